/** What `spec.updatePolicy.updateMode` of a VPA may be, the deprecated one last: `Auto` does what `Recreate` does. */
export const UPDATE_MODES = ['Off', 'Initial', 'Recreate', 'InPlaceOrRecreate', 'InPlace', 'Auto'] as const
export type UpdateMode = (typeof UPDATE_MODES)[number]

/** Those that are not deprecated. */
export const EXPLICIT_UPDATE_MODES = UPDATE_MODES.filter((mode) => mode !== 'Auto')
