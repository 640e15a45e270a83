/**
 * Chance as an argument: the core draws session ids, passwords and jitter from this, never from the process.
 * The host gives one that is seeded by the operating system; the simulation one that is seeded by its seed.
 */
export interface Random {
  /** A uint32, uniformly. */
  uint32(): number
  /** Fresh random bytes, fit for a secret in production. */
  bytes(length: number): Uint8Array
}
