/**
 * S6: once a session is attached at another peer, nothing of it that comes by an earlier way is proposed any more. Told by the values that are
 * written, each of which is written once: by which attachment it left, and what was proposed when the application heard of a later one.
 */
import type { ClientRequest } from '../../../lib/model/request.js'
import { Violation } from '../checkers/violation.js'

/** An attachment that the application was told of. */
interface Known {
  readonly attachment: number
  /** The last proposal of anybody by then: what was sent before may be up to here. */
  readonly proposed: bigint
}

const decoder = new TextDecoder()

export class SessionMoves {
  readonly #sent = new Map<string, { readonly by: number; readonly known: readonly Known[] }>()
  /** How often a session was attached again. */
  moves = 0

  /** One session, beginning. */
  session(): {
    sent(attachment: number, request: ClientRequest): void
    attached(attachment: number, proposed: bigint): void
  } {
    const known: Known[] = []
    return {
      sent: (by, request) => {
        for (const value of valuesOf(request)) this.#sent.set(value, { by, known })
      },
      attached: (attachment, proposed) => {
        if (known.length > 0) this.moves += 1
        known.push({ attachment, proposed })
      },
    }
  }

  /** A value takes effect. */
  wrote(value: string, zxid: bigint): void {
    const sent = this.#sent.get(value)
    const later = sent?.known.find(({ attachment }) => attachment > sent.by)
    if (sent === undefined || later === undefined || zxid <= later.proposed) return
    const known = `its session was attached again (${later.attachment}) when ${later.proposed} was the last proposal`
    throw new Violation(
      'S6',
      `the write of ${value}, sent by attachment ${sent.by}, takes effect at ${zxid}, but ${known}`,
    )
  }
}

/** What a request writes. */
function valuesOf(request: ClientRequest): string[] {
  if (request.kind === 'multi') return request.steps.flatMap(valuesOf)
  if ((request.kind !== 'create' && request.kind !== 'setData') || request.data === null) return []
  return [decoder.decode(request.data)]
}
