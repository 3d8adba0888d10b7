import { hasStartupBoost } from '@vpa/core/admit/startup-boost.ts'
import { updateModeOf } from '@vpa/core/api/vpa.ts'
import { isBoosted } from '@vpa/core/update/startup-boost-expiry.ts'
import { noteHindrance } from './candidates.ts'
import { chooseEvictable, evictPods } from './evict-pods.ts'
import { resizePods, unboostPods } from './resize-pods.ts'
import type { VpaPass } from './vpa-pass.ts'

/**
 * Brings a VPA's pods nearer to its recommendation, within what their groups can spare in this loop.
 *
 * @returns false when the loop has come to its end
 */
export async function updateVpa(pass: VpaPass): Promise<boolean> {
  const { vpa, pods, options } = pass
  const boosted = options.startupBoost && hasStartupBoost(vpa) ? pods.filter(isBoosted) : []
  if (pass.servesResize && !(await unboostPods(pass, boosted))) return false
  return updatePods(pass, pods.filter((pod) => !boosted.includes(pod)))
}

/** All of it but startup boosts. */
export async function updatePods(pass: VpaPass, pods: VpaPass['pods']): Promise<boolean> {
  switch (updateModeOf(pass.vpa)) {
    case 'Off':
    case 'Initial':
      return true
    case 'Recreate':
    case 'Auto':
      return evictPods(pass, chooseEvictable(pass, pods))
    case 'InPlace':
      if (!pass.options.inPlaceOnly) {
        pass.log.info('Warning: feature gate is not enabled for this updateMode', { updateMode: 'InPlace', featureGate: 'InPlace' })
        return true
      }
      if (pass.servesResize) return (await resizePods(pass, pods)) !== undefined
      for (const pod of pods) noteHindrance(pass, pod, 'resize-not-served')
      return true
    case 'InPlaceOrRecreate': {
      if (!pass.servesResize) return evictPods(pass, chooseEvictable(pass, pods))
      const fallBacks = await resizePods(pass, pods)
      return fallBacks !== undefined && evictPods(pass, fallBacks)
    }
  }
}
