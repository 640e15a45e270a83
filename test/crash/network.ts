/**
 * How the member processes of a test reach each other. `loopback` has no faults; test/faults has networks that can be cut: in namespaces,
 * and through a proxy.
 */
import type { TcpOptions } from '../../transports/tcp/index.js'
import { freePorts } from '../helpers/free-ports.js'

/** From the first member to the second, and not back. */
export type Direction = readonly [from: number, to: number]

export interface Network {
  /** Of every member, in the order of their numbers, as it stands in everybody's list. */
  readonly addresses: readonly string[]
  listen(member: number): TcpOptions
  /** What stands before the command of this member's process. */
  prefix(member: number): readonly string[]
  /** From now on nothing passes in these directions, without anybody being told, and everything in all others. */
  cut(directions: readonly Direction[]): Promise<void>
  close(): Promise<void>
}

export async function loopback(members: number): Promise<Network> {
  const ports = await freePorts(members)
  return {
    addresses: ports.map(port => `tcp://127.0.0.1:${port}`),
    listen: member => ({ port: ports[member - 1]! }),
    prefix: () => [],
    cut: directions =>
      directions.length === 0 ? Promise.resolve() : Promise.reject(new Error('loopback has no cuts')),
    close: () => Promise.resolve(),
  }
}
