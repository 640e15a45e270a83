/** Waits for a stated condition, looking once per turn of the event loop; fails with its name after `withinMs`. */
export async function until(what: string, holds: () => boolean, withinMs = 5000): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`)
    await new Promise(resolve => setImmediate(resolve))
  }
}
