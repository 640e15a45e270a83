/** Compares in time that depends on the lengths only: what is compared may be the hash of a password. */
export function sameText(a: string, b: string): boolean {
  let difference = a.length ^ b.length
  for (let at = 0; at < a.length; at++) difference |= a.charCodeAt(at) ^ b.charCodeAt(at % Math.max(b.length, 1))
  return difference === 0
}
