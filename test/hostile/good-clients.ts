/**
 * Clients that behave, in a process of their own, so that what they measure is the server and not the attackers beside them. They write and read, one
 * after the other, at a walking pace, and whatever they ask must be answered; now and then one comes anew, and comes again when it is turned away, as
 * ZooKeeper's clients do. Only one of them asks at a time: what an answer has waited for a processor, here or there, is known then.
 *
 * Started with the port and the server's pid; tells, when it is asked, what it has measured since.
 */
import { OpCode } from '../../lib/jute/op-codes.js'
import * as records from '../../lib/jute/records.js'
import type { Jute } from '../../lib/jute/schema.js'
import { WireClient } from '../helpers/wire-client.js'
import { ProcessorWait } from './processor-wait.js'

/** Since the last time. */
export interface Report {
  readonly answered: number
  readonly p99Ms: number
  /** The same without what they have waited for a processor. */
  readonly servedP99Ms: number
  /** Sessions begun meanwhile, how often that took another attempt, and how long it took, those included. */
  readonly newcomers: number
  readonly turnedAway: number
  readonly newcomerP99Ms: number
}

const CLIENTS = 4
const PACE_MS = 10
/** Of the rounds, one in so many has a newcomer. */
const NEWCOMER_ROUNDS = 8
const ATTEMPT_AGAIN_MS = 50
const ACL = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]
const [port, serverPid] = process.argv.slice(2).map(Number) as [number, number]
const wait = new ProcessorWait([serverPid, process.pid])
let times: number[] = []
let served: number[] = []
let newcomerTimes: number[] = []
let turnedAway = 0

async function behave(): Promise<never> {
  const clients = new Map<string, WireClient>()
  for (let at = 0; at < CLIENTS; at++) clients.set(`/good-${at}`, await WireClient.connect(port))
  for (const [path, client] of clients)
    await timed(client, OpCode.create, records.createRequest, { path, data: null, acl: ACL, flags: 0 })
  for (let round = 0; ; round++) {
    for (const [path, client] of clients) {
      await timed(client, OpCode.setData, records.setDataRequest, { path, data: Buffer.from('x'), version: -1 })
      await timed(client, OpCode.getData, records.watchRequest, { path, watch: false })
    }
    if (round % NEWCOMER_ROUNDS === 0) await comeAnew()
    await pause(PACE_MS)
  }
}

async function timed<B>(client: WireClient, opCode: number, body: Jute<B>, value: B): Promise<void> {
  const waited = wait.ms
  const began = performance.now()
  const { err } = await client.ask(opCode, body, value)
  const took = performance.now() - began
  times.push(took)
  served.push(Math.max(0, took - (wait.ms - waited)))
  client.frames.length = 0
  if (err !== 0) throw new Error(`somebody who behaves was answered ${err}`)
}

async function comeAnew(): Promise<void> {
  const began = performance.now()
  let client = await WireClient.connect(port)
  while (client.responseBytes === undefined) {
    turnedAway += 1
    await pause(ATTEMPT_AGAIN_MS)
    client = await WireClient.connect(port)
  }
  newcomerTimes.push(performance.now() - began)
  const { err } = await client.ask(OpCode.closeSession)
  if (err !== 0) throw new Error(`somebody who leaves was answered ${err}`)
  await client.close()
}

function p99(all: number[]): number {
  return all.sort((a, b) => a - b)[Math.floor(all.length * 0.99)] ?? 0
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}

process.on('message', () => {
  process.send?.({
    answered: times.length,
    p99Ms: p99(times),
    servedP99Ms: p99(served),
    newcomers: newcomerTimes.length,
    turnedAway,
    newcomerP99Ms: p99(newcomerTimes),
  } satisfies Report)
  times = []
  served = []
  newcomerTimes = []
  turnedAway = 0
})
process.on('disconnect', () => process.exit())
void behave()
