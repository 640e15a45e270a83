/** C12: what the numbers of a znode say of each other, after every change; and time, which is the txns' and never goes back. */
import { sessionOf } from '../../../lib/model/owner.js'
import { formatZxid, isAfter } from '../../../lib/model/zxid.js'
import type { Committed, Ledger, LedgerListener } from './ledger.js'
import { Violation } from './violation.js'

export class StatChecker implements LedgerListener {
  readonly #ledger: Ledger
  #time = 0

  constructor(ledger: Ledger) {
    this.#ledger = ledger
    ledger.listen(this)
  }

  committed({ proposal: { zxid, time }, changes }: Committed): void {
    if (time < this.#time)
      throw new Violation('C12', `${formatZxid(zxid)} is of ${time}, the txn before it of ${this.#time}`)
    this.#time = time
    for (const { path } of changes) this.#check(path, formatZxid(zxid))
  }

  #check(path: string, at: string): void {
    const { tree } = this.#ledger.ref
    const znode = tree.get(path)
    const stat = tree.stat(path)
    if (znode === undefined || stat === undefined) return
    const wrong = [
      isAfter(stat.czxid, stat.mzxid) && 'czxid > mzxid',
      isAfter(stat.czxid, stat.pzxid) && 'czxid > pzxid',
      stat.ctime > stat.mtime && 'ctime > mtime',
      stat.dataLength !== (znode.data?.length ?? 0) && 'dataLength',
      stat.numChildren !== tree.childrenOf(path).size && 'numChildren',
      stat.ephemeralOwner !== sessionOf(znode.owner) && 'ephemeralOwner',
    ].filter(each => each !== false)
    if (wrong.length > 0) throw new Violation('C12', `${path} at ${at}: ${wrong.join(', ')}`)
  }
}
