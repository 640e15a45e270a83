/** The second opinion on C1: histories made by hand, and planted bugs that nobody else looks for. */
import { expect } from 'chai'
import { OPEN_ACL_UNSAFE } from '../../lib/model/acl.js'
import { EPHEMERAL, PERSISTENT, PERSISTENT_SEQUENTIAL } from '../../lib/model/create-mode.js'
import type { ErrorResponse, Response } from '../../lib/model/response.js'
import { World } from '../../lib/testing/world.js'
import { CallHistory } from './checkers/call-history.js'
import { type HistoryCall, judge } from './checkers/linearizability.js'
import { Faults } from './faults.js'
import type { Mutant } from './mutants/mutant.js'
import { mutants } from './mutants/mutants.js'
import { changeScenario, scenarioOf } from './scenario.js'
import { Schedule } from './schedule.js'
import { Workload } from './workload.js'

type Part = Pick<HistoryCall, 'request' | 'response'>

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const stat = (version: number, owner?: string) => ({ version, ephemeralOwner: owner }) as never
const done: Response = { kind: 'done' }
const failed = (code: ErrorResponse['code']): Response => ({ kind: 'error', code })

const create = (path: string, data: string, mode = PERSISTENT, response?: Response): Part => ({
  request: { kind: 'create', path, data: bytes(data), acl: OPEN_ACL_UNSAFE, mode },
  response: response ?? { kind: 'created', path, stat: stat(0) },
})
const set = (path: string, data: string, expected: number, response: Response | number): Part => ({
  request: { kind: 'setData', path, data: bytes(data), version: expected },
  response: typeof response === 'number' ? { kind: 'stat', stat: stat(response) } : response,
})
const get = (path: string, data: string, version: number, owner?: string): Part => ({
  request: { kind: 'getData', path, watch: false },
  response: { kind: 'data', data: bytes(data), stat: stat(version, owner) },
})
const exists = (path: string, response: Response): Part => ({
  request: { kind: 'exists', path, watch: false },
  response,
})
const sync: Part = { request: { kind: 'sync', path: '/' }, response: done }

const call = (session: string, invoked: number, returned: number | undefined, part: Part): HistoryCall => ({
  session,
  invoked,
  returned,
  ...part,
})
/** One after another, by the session before each. */
const inTurn = (...parts: [string, Part][]): HistoryCall[] =>
  parts.map(([session, part], index) => call(session, 2 * index + 1, 2 * index + 2, part))

describe('search for an order of calls', () => {
  const orders: Readonly<Record<string, HistoryCall[]>> = {
    'calls of one session': inTurn(
      ['a', create('/x', '1')],
      ['a', set('/x', '2', 0, 1)],
      ['a', get('/x', '2', 1)],
      ['a', set('/x', '3', 0, failed('BAD_VERSION'))],
    ),
    'two sets at a time, in the order opposite to their answers': [
      ...inTurn(['a', create('/x', '1')]),
      call('a', 10, 13, set('/x', '2', -1, 2)),
      call('b', 11, 12, set('/x', '3', -1, 1)),
      call('c', 14, 15, get('/x', '2', 2)),
    ],
    'a lost write that took effect long after': [
      ...inTurn(['a', create('/x', '1')], ['b', set('/x', '2', 0, 1)], ['b', set('/x', '4', -1, 3)]),
      call('a', 3, undefined, set('/x', '3', -1, done)),
    ].sort((a, b) => a.invoked - b.invoked),
    'a lost write that took none': [
      ...inTurn(['a', create('/x', '1')]),
      call('a', 10, undefined, set('/x', '2', -1, done)),
      call('b', 11, 12, get('/x', '1', 0)),
      call('b', 13, 14, set('/x', '3', 0, 1)),
    ],
    'a read of the past by who has not seen more': inTurn(
      ['a', create('/x', '1')],
      ['a', set('/x', '2', -1, 1)],
      ['b', get('/x', '1', 0)],
      ['b', get('/x', '2', 1)],
    ),
    'an ephemeral that goes with its session': inTurn(
      ['a', create('/x', '1', EPHEMERAL)],
      ['b', get('/x', '1', 0, 'a')],
      ['b', exists('/x', failed('NO_NODE'))],
    ),
    'a multi, all or nothing': inTurn(
      ['a', create('/x', '1')],
      [
        'a',
        {
          request: { kind: 'multi', steps: [set('/x', '2', 0, 1).request, set('/y', '2', 0, 1).request] as never },
          response: { kind: 'multi', failed: true, results: [failed('OK'), failed('NO_NODE')] as never },
        },
      ],
      ['a', get('/x', '1', 0)],
    ),
  }
  for (const [what, history] of Object.entries(orders)) {
    it(`finds one: ${what}`, () => {
      expect(judge(history)).to.equal('linearizable')
    })
  }

  const disorders: Readonly<Record<string, HistoryCall[]>> = {
    'two sets of one version succeed': [
      ...inTurn(['a', create('/x', '1')]),
      call('a', 10, 13, set('/x', '2', 0, 1)),
      call('b', 11, 12, set('/x', '3', 0, 1)),
    ],
    'a write comes before one that had returned': inTurn(
      ['a', create('/x', '1')],
      ['a', set('/x', '2', -1, 2)],
      ['b', set('/x', '3', -1, 1)],
    ),
    'a lost write takes effect twice': [
      ...inTurn(['a', create('/x', '1')]),
      call('a', 10, undefined, set('/x', '2', -1, done)),
      call('b', 11, 12, set('/x', '3', -1, 3)),
    ],
    'a write that failed was made': inTurn(
      ['a', create('/x', '1')],
      ['a', set('/x', '2', 7, failed('BAD_VERSION'))],
      ['b', get('/x', '2', 1)],
    ),
    'a session does not read what it wrote': inTurn(
      ['a', create('/x', '1')],
      ['a', set('/x', '2', -1, 1)],
      ['a', get('/x', '1', 0)],
    ),
    'a session sees the past after the present': inTurn(
      ['a', create('/x', '1')],
      ['a', set('/x', '2', -1, 1)],
      ['b', get('/x', '2', 1)],
      ['b', get('/x', '1', 0)],
    ),
    'a read behind a sync misses what had returned (C8)': inTurn(
      ['a', create('/x', '1')],
      ['a', set('/x', '2', -1, 1)],
      ['b', sync],
      ['b', get('/x', '1', 0)],
    ),
    'two znodes get one number (C11)': inTurn(
      ['a', create('/x', '1')],
      ['a', create('/x/s-', '2', PERSISTENT_SEQUENTIAL, { kind: 'created', path: '/x/s-0000000000', stat: stat(0) })],
      ['b', create('/x/s-', '3', PERSISTENT_SEQUENTIAL, { kind: 'created', path: '/x/s-0000000000', stat: stat(0) })],
    ),
    'an ephemeral goes while its session lives (S4)': inTurn(
      ['a', create('/x', '1', EPHEMERAL)],
      ['b', exists('/x', { kind: 'stat', stat: stat(0, 'a') })],
      ['b', exists('/x', failed('NO_NODE'))],
      ['b', create('/y', '2')],
      ['a', get('/y', '2', 0)],
    ),
    'a write takes effect before it is made': inTurn(
      ['a', create('/x', '1')],
      ['b', get('/x', '2', 1)],
      ['b', set('/x', '3', 1, 2)],
      ['a', set('/x', '2', 0, 1)],
    ),
  }
  for (const [what, history] of Object.entries(disorders)) {
    it(`C1: finds none when ${what}`, () => {
      expect(judge(history)).to.equal('not linearizable')
    })
  }

  it('says so when it does not know', () => {
    const lost = Array.from({ length: 12 }, (_, index) =>
      call('a', index + 10, undefined, set('/x', `${index}`, -1, 0)),
    )
    const history = [...inTurn(['a', create('/x', '1')]), ...lost, call('b', 30, 31, get('/x', 'nobody wrote', 3))]
    expect(judge(history, 200)).to.equal('undecided')
  })

  describe('in a run, with nobody else to look', function () {
    this.timeout(60_000)

    const judged = (seed: number, mutant?: Mutant): string | undefined => {
      const scenario = changeScenario(scenarioOf(seed), mutant?.scenario)
      const world = new World(scenario.world)
      const history = new CallHistory(world)
      new Faults(world, scenario, new Schedule(seed, undefined, world), {
        falseStates: new Set(),
        falseDisks: new Set(),
      } as never)
      new Workload(world, scenario)
      const undo = mutant?.plant()
      try {
        for (const peer of world.peers.values()) peer.start()
        world.run(20_000, () => history.judgement !== undefined)
        history.atEnd()
      } catch (error) {
        if (history.judgement === undefined) throw error
      } finally {
        undo?.()
      }
      return history.judgement
    }

    it('C1: finds an order of the first calls in seeds 1 to 10', () => {
      for (let seed = 1; seed <= 10; seed++) expect(judged(seed), `seed ${seed}`).to.equal('linearizable')
    })

    for (const name of [
      'a write is answered before it is applied',
      'a read does not wait for the writes before it',
      'a session ends without its ephemerals',
      'a write that is refused because the disk is low is taken all the same',
    ]) {
      it(`C1: finds none when ${name}`, () => {
        const mutant = mutants.find(each => each.name === name)!
        const seeds = Array.from({ length: 30 }, (_, index) => index + 1)
        expect(seeds.some(seed => judged(seed, mutant) === 'not linearizable')).to.equal(true)
      })
    }
  })
})
