/**
 * Freezes a plain value with everything in it: what one peer hands to another must not change under either of them.
 * Byte arrays cannot be frozen and are left. A value that is frozen already is taken to be frozen throughout.
 */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value) || ArrayBuffer.isView(value)) return value
  Object.freeze(value)
  for (const name in value) deepFreeze(value[name])
  return value
}
