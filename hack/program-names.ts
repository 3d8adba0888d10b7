/** The three programs: their folders in packages/, and what the image, the manifests and metrics call them after `vpa-`. */
export const PROGRAM_NAMES = ['recommender', 'updater', 'admission-controller'] as const
export type ProgramName = (typeof PROGRAM_NAMES)[number]
