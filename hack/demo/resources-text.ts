import type { Resources } from '@vpa/core/api/pod.ts'
import { resourceListJson } from '@vpa/core/api/vpa.ts'
import type { ResourceList } from '@vpa/core/quantity.ts'

/** `100m / 200Mi`. */
export function amountsText(list: ResourceList = {}): string {
  return Object.values(resourceListJson(list)).join(' / ')
}

/** `requests 100m / 200Mi, limits 200m / 300Mi`. */
export function resourcesText({ requests, limits }: Resources): string {
  return `requests ${amountsText(requests)}, limits ${amountsText(limits)}`
}
