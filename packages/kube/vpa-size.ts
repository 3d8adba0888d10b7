/** Upstream's last class; larger VPAs are counted in it. */
export const MAX_SIZE_LOG2 = 20

/** Label `vpa_size_log2` of metrics: 3 for 8 to 15 pods; 0 for a VPA without pods as well as for one pod. */
export function sizeLog2(podCount: number): number {
  return podCount === 0 ? 0 : Math.min(Math.trunc(Math.log2(podCount)), MAX_SIZE_LOG2)
}
