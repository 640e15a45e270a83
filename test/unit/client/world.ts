/**
 * The stage of the client's tests: an ensemble, a channel and a client on virtual time; and a recorder of streams.
 */
import { expect } from 'chai'
import type { Observable } from 'rxjs'
import { type Client, openClient } from '../../../lib/client/client.js'
import type { ClientOptions } from '../../../lib/client/client-options.js'
import { text } from '../../../lib/client/codec.js'
import type { ErrorCode, Outcome, ZooKeeperError } from '../../../lib/model/errors.js'
import { FakeChannel, FakeEnsemble } from '../../helpers/fake-channel.js'
import { settled, VirtualClock } from '../../helpers/virtual-clock.js'

/** Jitter without chance: the middle. */
export const steady = { uint32: () => 2 ** 31 }

export interface World {
  readonly clock: VirtualClock
  readonly ensemble: FakeEnsemble
  readonly channel: FakeChannel
  readonly zk: Client<string>
}

export async function world(options: ClientOptions<string> = {}): Promise<World> {
  const clock = new VirtualClock()
  const ensemble = new FakeEnsemble()
  const channel = new FakeChannel(ensemble, clock)
  const zk = await openClient<string>(channel, { codec: text, ...options }, steady)
  return { clock, ensemble, channel, zk }
}

/** Resolves with the error that a call must reject with. */
export async function refused(call: Promise<unknown>, code: ErrorCode, outcome?: Outcome): Promise<ZooKeeperError> {
  const error = await call.then(
    value => expect.fail(`resolved with ${JSON.stringify(value)} instead of ${code}`),
    (reason: ZooKeeperError) => reason,
  )
  expect(error.code, error.stack).to.equal(code)
  if (outcome !== undefined) expect(error.outcome).to.equal(outcome)
  return error
}

export interface Recording<V> {
  readonly values: V[]
  readonly ends: Array<'complete' | string>
  stop(): void
}

export function record<V>(stream: Observable<V>): Recording<V> {
  const values: V[] = []
  const ends: string[] = []
  const subscription = stream.subscribe({
    next: value => values.push(value),
    error: (error: ZooKeeperError) => ends.push(error.code),
    complete: () => ends.push('complete'),
  })
  return { values, ends, stop: () => subscription.unsubscribe() }
}

/** R1: a test during which a promise is rejected and nobody listens fails. Call it in a `describe`. */
export function failOnUnhandledRejections(): void {
  const unhandled: unknown[] = []
  const listener = (reason: unknown): void => {
    unhandled.push(reason)
  }
  before(() => process.on('unhandledRejection', listener))
  afterEach(async () => {
    await settled()
    const seen = unhandled.splice(0)
    expect(seen, 'unhandled rejections').to.deep.equal([])
  })
  after(() => process.off('unhandledRejection', listener))
}
