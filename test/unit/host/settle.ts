/** Lets every microtask and tick that is due run dry: after it, nothing happens by itself any more. */
export function settle(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
