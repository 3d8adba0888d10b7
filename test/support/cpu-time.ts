/** CPU time of this thread so far, in milliseconds: what others on the machine do does not count. */
export function usedMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
