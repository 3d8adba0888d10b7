import { expect, test } from 'vitest'
import { Api } from '../../hack/demo/api.ts'
import { openClusterOf } from '../../hack/demo/current-cluster.ts'
import { tellKongStory } from '../../hack/demo/story.ts'
import { Transcript } from '../../hack/demo/transcript.ts'
import { kubeconfig } from './control-plane.ts'

test('the Kong story holds on a real API server, each program under its own ServiceAccount with our RBAC', async () => {
  const cluster = await openClusterOf(await Api.open(kubeconfig), kubeconfig)
  try {
    // The story checks each of its facts itself and rejects with the first that does not hold.
    await expect(tellKongStory(cluster, { transcript: new Transcript(), keep: false, signal: AbortSignal.timeout(280_000) })).resolves.toBeUndefined()
  } finally {
    await cluster.close()
  }
})
