/** What the options' checks share: each gives a complaint, or undefined. Used by peer-options.ts and member-options.ts. */
export function checkNumber({ min, max }: { min: number; max: number }, value: unknown): string | undefined {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return undefined
  return `must be a whole number from ${min} to ${max}`
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
