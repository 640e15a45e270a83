import { expect } from 'chai'
import type { Input } from '../../../lib/core/input.js'
import { SnapshotReceiver } from '../../../lib/host/snapshot-receiver.js'
import type { LinkId, OperationNumber } from '../../../lib/model/ids.js'
import type { ReplicaImage } from '../../../lib/model/replica-image.js'
import { zxid } from '../../../lib/model/zxid.js'
import { settle } from './settle.js'

const link = 3 as LinkId
const op = 5 as OperationNumber
const begin = { kind: 'snapshotBegin', zxid: zxid(2, 1), time: 4, digest: { high: 0, low: 1 } } as const
const image = { zxid: begin.zxid } as ReplicaImage
const MIB = 1024 * 1024

describe('snapshot receiver', () => {
  let calls: string[]
  let release: (() => void) | undefined
  let slow: boolean
  let receiver: SnapshotReceiver
  beforeEach(() => {
    calls = []
    slow = false
    receiver = new SnapshotReceiver({
      storage: {
        installSnapshot: async header => {
          calls.push(`install ${header.zxid.epoch}.${header.zxid.counter}`)
          return {
            write: async chunk => {
              calls.push(`write ${chunk[0]}`)
              if (slow) await new Promise<void>(resolve => (release = resolve))
            },
            finish: async () => {
              calls.push('finish')
              return image
            },
            abort: async () => {
              calls.push('abort')
            },
          }
        },
      },
      checkpointSettled: async () => {
        calls.push('checkpoint settled')
      },
      pause: () => calls.push('pause'),
      resume: () => calls.push('resume'),
    })
  })
  const install = (): Promise<Input> => receiver.install({ kind: 'installSnapshot', op, link, begin })

  it('writes the chunks in order, whether they come before or after the effect, and switches at the end', async () => {
    receiver.begin(link)
    receiver.chunk(link, Uint8Array.of(1))
    const done = install()
    await settle()
    receiver.chunk(link, Uint8Array.of(2))
    await settle()
    expect(calls).to.deep.equal(['checkpoint settled', 'install 2.1', 'write 1', 'write 2'])
    receiver.end(link)
    expect(await done).to.deep.equal({ kind: 'snapshotInstalled', op, image })
    expect(calls.at(-1)).to.equal('finish')
  })

  it('L4, R2: pauses the link while the store is behind', async () => {
    slow = true
    receiver.begin(link)
    const done = install()
    await settle()
    for (let n = 1; n <= 4; n++) receiver.chunk(link, new Uint8Array(MIB).fill(n))
    expect(calls).to.include('pause').and.not.include('resume')
    for (let n = 1; n <= 4; n++) {
      await settle()
      release!()
    }
    await settle()
    expect(calls).to.include('resume')
    receiver.end(link)
    await done
    expect(calls.filter(call => call === 'pause')).to.have.length(1)
  })

  it('aborts when the link closes before the end', async () => {
    receiver.begin(link)
    receiver.chunk(link, Uint8Array.of(1))
    const done = install()
    await settle()
    receiver.linkClosed(link)
    expect(await done).to.deep.equal({ kind: 'snapshotAborted', op })
    expect(calls.at(-1)).to.equal('abort')
  })

  it('does not even begin when the link has closed before its turn came', async () => {
    receiver.begin(link)
    receiver.linkClosed(link)
    expect(await install()).to.deep.equal({ kind: 'snapshotAborted', op })
    expect(calls).to.deep.equal([])
  })

  it('refuses chunks and an end out of place', () => {
    expect(receiver.chunk(link, Uint8Array.of(1))).to.equal(false)
    expect(receiver.end(link)).to.equal(false)
    receiver.begin(link)
    expect(receiver.end(link)).to.equal(true)
    expect(receiver.chunk(link, Uint8Array.of(1))).to.equal(false)
  })

  it('Z14: installs a whole snapshot whose link closed before its turn came, since the proposals behind it wait in the same queue', async () => {
    receiver.begin(link)
    receiver.chunk(link, Uint8Array.of(1))
    receiver.end(link)
    receiver.linkClosed(link)
    expect(await install()).to.deep.equal({ kind: 'snapshotInstalled', op, image })
    expect(await install(), 'only once').to.deep.equal({ kind: 'snapshotAborted', op })
  })

  it('keeps a whole snapshot that nobody asks for no longer than until the next one begins', async () => {
    receiver.begin(link)
    receiver.end(link)
    receiver.linkClosed(link)
    receiver.begin(4 as LinkId)
    expect(await install()).to.deep.equal({ kind: 'snapshotAborted', op })
  })
})
