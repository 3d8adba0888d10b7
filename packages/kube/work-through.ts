/**
 * Takes the items in order, several at a time. A worker whose action says false takes no more;
 * so each worker has at least one turn.
 */
export async function workThrough<T>(items: readonly T[], workers: number, action: (item: T) => Promise<boolean>): Promise<void> {
  const queue = items.values()
  const work = async () => {
    for (const item of queue) if (!(await action(item))) return
  }
  await Promise.all(Array.from({ length: Math.min(workers, items.length) }, work))
}
