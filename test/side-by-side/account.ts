/** What one recommender has published and kept about one workload. */
export interface Account {
  readonly status: VpaStatus
  /** By container; without the time of writing. */
  readonly checkpoints: Readonly<Record<string, CheckpointStatus>>
}

/** As the API has it. */
export interface VpaStatus {
  readonly recommendation?: { readonly containerRecommendations?: readonly { readonly containerName: string }[] }
  readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason?: string; readonly message?: string }[]
}

/** As the API has it. */
export interface CheckpointStatus {
  readonly totalSamplesCount?: number
  readonly lastSampleStart?: string | null
  readonly lastUpdateTime?: string | null
}
