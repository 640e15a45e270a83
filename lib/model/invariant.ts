/**
 * A programmer error: something the code relies on is false. The peer stops rather than let it lie.
 * Never used for what a user, a client, the network or the disk can cause.
 */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation'
}

/** Where it is asked for every operation, `why` is a function: only a violation pays for its words. */
export function invariant(condition: boolean, why: string | (() => string)): asserts condition {
  if (!condition) throw new InvariantViolation(typeof why === 'string' ? why : why())
}

/** The `default` of an exhaustive switch: a new member of the union does not compile until it is handled. */
export function unreachable(value: never): never {
  throw new InvariantViolation(`unhandled: ${JSON.stringify(value)}`)
}
