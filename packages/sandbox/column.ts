/** A column of a custom kind's table, as a CustomResourceDefinition writes it. */
export interface TableColumn {
  readonly name: string
  readonly type: string
  readonly jsonPath: string
  readonly priority?: number
  readonly description?: string
}

const AGE: TableColumn = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' }
const TARGET = '.status.recommendation.containerRecommendations[0].target'

/** As in the CustomResourceDefinition: `NAME MODE CPU MEM PROVIDED AGE`. */
export const VPA_COLUMNS: readonly TableColumn[] = [
  { name: 'Mode', type: 'string', jsonPath: '.spec.updatePolicy.updateMode' },
  { name: 'CPU', type: 'string', jsonPath: `${TARGET}.cpu` },
  { name: 'Mem', type: 'string', jsonPath: `${TARGET}.memory` },
  { name: 'Provided', type: 'string', jsonPath: ".status.conditions[?(@.type=='RecommendationProvided')].status" },
  AGE,
  { name: 'MinReplicas', type: 'integer', jsonPath: '.spec.updatePolicy.minReplicas', priority: 1 },
  { name: 'OOMSeconds', type: 'integer', jsonPath: '.spec.updatePolicy.evictAfterOOMSeconds', priority: 1 },
]

export const VPA_CHECKPOINT_COLUMNS: readonly TableColumn[] = [AGE]
