/**
 * C1 a second time, by search: is there an order of all calls in which each has the answer it was given? It knows when calls were made, when they
 * returned and with what, and no zxids.
 *
 * The order has to keep: the calls of a session as it made them; of writes and syncs, one that returned before another was made. Reads come from some
 * earlier moment of their session's, so real time does not bind them. A write without an answer took effect once, at any time since, or never; so did the
 * end of a session that nobody hears of any more.
 * Source: Wing and Gong, "Testing and verifying concurrent objects"; with states remembered as in Lowe, "Testing for linearizability".
 */
import type { SyncRequest } from '../../../lib/model/request.js'
import type { Response } from '../../../lib/model/response.js'
import { answerTo, type ReadCall, SmallTree, type WriteCall } from './small-tree.js'

export interface HistoryCall {
  readonly session: string
  readonly request: WriteCall | ReadCall | SyncRequest
  /** Moments are numbered: no two things happen in one. */
  readonly invoked: number
  /** Undefined when nobody knows what became of it. */
  readonly returned: number | undefined
  readonly response: Response | undefined
}

export type Judgement = 'linearizable' | 'not linearizable' | 'undecided'

/** @param statesMax after so many the search gives up, undecided. */
export function judge(history: readonly HistoryCall[], statesMax = 20_000): Judgement {
  return new Search(history, statesMax).judge()
}

/** What is done: how many calls of each session, which of the others, and the tree it has come to. */
interface State {
  readonly done: readonly number[]
  readonly used: readonly boolean[]
  readonly tree: SmallTree
}

class Search {
  /** Of each session, the calls with an answer, in its order. */
  readonly #queues: readonly (readonly HistoryCall[])[]
  readonly #names: readonly string[]
  /** Writes that may have taken effect. */
  readonly #unknown: readonly HistoryCall[]
  /** Sessions that say in the history that they end: they do not end of themselves. */
  readonly #closing: ReadonlySet<string>
  readonly #seen = new Set<string>()
  readonly #statesMax: number

  constructor(history: readonly HistoryCall[], statesMax: number) {
    const inOrder = [...history].sort((a, b) => a.invoked - b.invoked)
    const answered = inOrder.filter(each => each.returned !== undefined)
    this.#names = [...new Set(history.map(each => each.session))]
    this.#queues = this.#names.map(name => answered.filter(each => each.session === name))
    this.#unknown = inOrder.filter(each => each.returned === undefined && isWrite(each.request))
    this.#closing = new Set(answered.filter(each => each.request.kind === 'closeSession').map(each => each.session))
    this.#statesMax = statesMax
  }

  /** Depth first, without recursion: histories are longer than stacks are deep. */
  judge(): Judgement {
    const begin: State = {
      done: this.#queues.map(() => 0),
      used: this.#unknown.map(() => false),
      tree: SmallTree.initial,
    }
    const stack = [begin]
    for (let state = stack.pop(); state !== undefined; state = stack.pop()) {
      const next = this.#withReads(state)
      if (this.#queues.every((queue, session) => next.done[session] === queue.length)) return 'linearizable'
      const key = `${next.done} ${next.used.map(Number).join('')}\n${next.tree.key}`
      if (this.#seen.has(key)) continue
      if (this.#seen.size >= this.#statesMax) return 'undecided'
      this.#seen.add(key)
      // The last is looked at first: an answer that came early, and what nobody knows of only when nothing else fits.
      stack.push(...this.#byItself(next), ...this.#byUnknown(next), ...this.#byAnswered(next).reverse())
    }
    return 'not linearizable'
  }

  /** A read that fits now may as well come now: it changes nothing, and what waits for it can go on. */
  #withReads({ done, used, tree }: State): State {
    const moved = this.#queues.map((queue, session) => {
      let at = done[session]!
      for (let call = queue[at]; call !== undefined && isRead(call.request); call = queue[at]) {
        if (tree.read(call.request) !== answerTo(call.request, call.response!)) break
        at += 1
      }
      return at
    })
    return { done: moved, used, tree }
  }

  #byAnswered(state: State): State[] {
    const { done, used, tree } = state
    const deadline = this.#deadline(state)
    const ready = this.#queues.flatMap((queue, session) => {
      const call = queue[done[session]!]
      return call === undefined || isRead(call.request) || call.invoked > deadline ? [] : [{ call, session }]
    })
    ready.sort((a, b) => a.call.returned! - b.call.returned!)
    return ready.flatMap(({ call, session }) => {
      const after = isWrite(call.request) ? tree.write(call.request, call.session) : { tree, answer: 'done' }
      if (after.answer !== answerTo(call.request, call.response!)) return []
      return [{ done: done.with(session, done[session]! + 1), used, tree: after.tree }]
    })
  }

  #byUnknown(state: State): State[] {
    const deadline = this.#deadline(state)
    return this.#unknown.flatMap((call, index) => {
      if (state.used[index] || call.invoked > deadline) return []
      const { tree } = state.tree.write(call.request as WriteCall, call.session)
      return tree === state.tree ? [] : [{ ...state, used: state.used.with(index, true), tree }]
    })
  }

  /** Sessions of which nothing more is heard may end, which shows when they have ephemerals. */
  #byItself({ done, used, tree }: State): State[] {
    return this.#names.flatMap((name, session) => {
      const silent = done[session] === this.#queues[session]!.length && !this.#closing.has(name)
      if (!silent || !tree.hasEphemeralsOf(name)) return []
      return [{ done, used, tree: tree.write({ kind: 'closeSession' }, name).tree }]
    })
  }

  /** When the first of the writes and syncs returned that are not done yet: none that was made later may come before it. */
  #deadline({ done }: State): number {
    const first = this.#queues.map(
      (queue, session) => queue.slice(done[session]).find(each => !isRead(each.request))?.returned,
    )
    return Math.min(...first.map(returned => returned ?? Number.POSITIVE_INFINITY))
  }
}

function isRead(request: HistoryCall['request']): request is ReadCall {
  return request.kind === 'getData' || request.kind === 'exists' || request.kind === 'getChildren'
}

function isWrite(request: HistoryCall['request']): request is WriteCall {
  return !isRead(request) && request.kind !== 'sync'
}
