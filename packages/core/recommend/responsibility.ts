import type { Vpa } from '../api/vpa.ts'

/** A VPA that names no recommender is the default one's; any other one must be named. */
export function isResponsible(recommenderName: string, { spec }: Vpa): boolean {
  const named = (spec.recommenders ?? []).map(({ name }) => name)
  return named.length === 0 ? recommenderName === 'default' : named.includes(recommenderName)
}
