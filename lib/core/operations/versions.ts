/**
 * Versions of znodes: signed 32 bits. `version` counts setData, `aversion` setAcl. After 2147483647 comes −2147483648, and −1 is
 * left out, since in a request it means "any" (ZOOKEEPER-4743). Used by the operations with a conditional version.
 */
import { ANY_VERSION } from '../../model/request.js'

export function nextVersion(version: number): number {
  const next = (version + 1) | 0
  return next === ANY_VERSION ? 0 : next
}

/** Negative versions other than −1 are compared literally. */
export function versionMatches(expected: number, actual: number): boolean {
  return expected === ANY_VERSION || expected === actual
}
