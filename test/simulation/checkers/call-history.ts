/**
 * C1, the second opinion: the first calls of a run, as clients saw them, are judged by search (linearizability.ts).
 *
 * Always holds: it knows what clients know, and looks at nothing else. It ends with the first call whose effects the small tree does not have, or
 * when it is long enough; what is outstanding then is as unknown as what was lost.
 */
import { OPEN_ACL_UNSAFE } from '../../../lib/model/acl.js'
import type { MultiStep, Request } from '../../../lib/model/request.js'
import type { Response } from '../../../lib/model/response.js'
import type { Call, ClientEvent } from '../../../lib/testing/simulated-client.js'
import type { World, WorldObserver } from '../../../lib/testing/world.js'
import { type HistoryCall, type Judgement, judge } from './linearizability.js'
import { Violation } from './violation.js'

const CALLS_MAX = 150
const STATES_MAX = 5000

/** Not answers to what was asked: nothing was decided. */
const UNDECIDED_CODES: readonly string[] = [
  'SESSION_EXPIRED',
  'SESSION_MOVED',
  'CONNECTION_LOSS',
  'REQUEST_TIMEOUT',
  // The small tree knows of no local sessions.
  'EPHEMERAL_ON_LOCAL_SESSION',
  'NOT_READ_ONLY',
]

export class CallHistory implements WorldObserver {
  readonly #calls = new Map<Call, { -readonly [K in keyof HistoryCall]: HistoryCall[K] }>()
  #moment = 0
  #open = true
  judgement: Judgement | undefined

  constructor(world: World) {
    world.observe(this)
  }

  get calls(): readonly HistoryCall[] {
    return [...this.#calls.values()]
  }

  client(event: ClientEvent): void {
    if (!this.#open) return
    this.#moment += 1
    if (event.kind === 'called') this.#called(event.call)
    else if (event.kind === 'returned') this.#returned(event.call)
  }

  atEnd(): void {
    if (this.#open) this.#judge()
  }

  #called(call: Call): void {
    const { request, session } = call
    if (!isKnown(request)) {
      if (!changesNothing(request)) this.#judge()
      return
    }
    this.#calls.set(call, { session, request, invoked: this.#moment, returned: undefined, response: undefined })
    if (this.#calls.size === CALLS_MAX) this.#judge()
  }

  #returned(call: Call): void {
    const known = this.#calls.get(call)
    const { outcome } = call
    if (known === undefined) return
    if (outcome?.kind === 'answered' && !isUndecided(outcome.response)) {
      known.returned = this.#moment
      known.response = outcome.response
    } else if (outcome?.kind === 'answered' || (outcome?.kind === 'failed' && outcome.outcome === 'not-applied'))
      this.#calls.delete(call)
  }

  #judge(): void {
    this.#open = false
    this.judgement = judge(this.calls, STATES_MAX)
    if (this.judgement === 'not linearizable')
      throw new Violation('C1', `no order of the first ${this.#calls.size} calls explains their answers`)
  }
}

function isUndecided(response: Response): boolean {
  if (response.kind === 'multi') return response.failed && response.results.some(isUndecided)
  return response.kind === 'error' && UNDECIDED_CODES.includes(response.code)
}

function isKnown(request: Request): request is HistoryCall['request'] {
  // Quotas: what they count changes by itself, and they refuse.
  if ('path' in request && request.path.startsWith('/zookeeper')) return false
  switch (request.kind) {
    case 'multi':
      return request.steps.every(isPlain)
    case 'create':
    case 'setData':
    case 'delete':
      return isPlain(request)
    default:
      return ['closeSession', 'getData', 'exists', 'getChildren', 'sync'].includes(request.kind)
  }
}

function isPlain(step: MultiStep): boolean {
  if (step.path.startsWith('/zookeeper')) return false
  return step.kind !== 'create' || (step.lifetime === undefined && step.acl === OPEN_ACL_UNSAFE)
}

function changesNothing({ kind }: Request): boolean {
  return !['create', 'multi', 'setAcl', 'reconfig'].includes(kind)
}
