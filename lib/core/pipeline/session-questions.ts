/**
 * Who waits for the leader's word on a session that is to go on at this peer (REVALIDATE), in the order of asking.
 *
 * Always holds: per session the answers come in the order of the questions, so each goes to the one who asked, also when others have left
 * meanwhile: nobody gets in by another's password (S7). The questions end with the link to the leader.
 * Used by attachments.ts.
 */
import type { SessionId } from '../../model/ids.js'
import { samePassword } from '../session/same-password.js'
import type { AttachedClient } from './clients.js'

export class SessionQuestions {
  #waiting: AttachedClient[] = []

  ask(client: AttachedClient): void {
    this.#waiting.push(client)
  }

  /** Whose question this is the answer to; `gone` says whether it is still of interest. */
  answered(session: SessionId): AttachedClient | undefined {
    const index = this.#waiting.findIndex(each => each.session === session)
    return index < 0 ? undefined : this.#waiting.splice(index, 1)[0]
  }

  /**
   * True for a client whose place another one asks for, with the right password: what it sent to the leader behind that question could not be
   * told from the newcomer's requests.
   */
  isAskedAbout({ session, password }: AttachedClient): boolean {
    return this.#waiting.some(each => each.session === session && samePassword(each.password, password))
  }

  clear(): void {
    this.#waiting = []
  }
}
