import { expect } from 'chai'
import {
  type Acl,
  CREATOR_ALL_ACL,
  type Identities,
  OPEN_ACL_UNSAFE,
  Permission,
  TRUSTED,
} from '../../../../lib/model/acl.js'
import { access } from '../../../helpers/access.js'

const entry = (scheme: string, id: string, perms: number = Permission.ALL) => ({ perms, scheme, id })
const ALICE: Identities = [
  { scheme: 'ip', id: '127.0.0.1' },
  { scheme: 'digest', id: 'alice:h' },
]

describe('access', () => {
  const rows: readonly (readonly [string, Acl, Identities, number, boolean])[] = [
    ['an empty ACL grants everything', [], [], 31, true],
    ['super passes everything', [entry('digest', 'bob:h')], TRUSTED, 31, true],
    ['world:anyone', OPEN_ACL_UNSAFE, [], Permission.ADMIN, true],
    ['a bit that is not granted', [entry('world', 'anyone', Permission.READ)], ALICE, Permission.WRITE, false],
    ['any of the wanted bits is enough', [entry('world', 'anyone', 16)], [], 17, true],
    ['the same scheme and id', [entry('digest', 'alice:h')], ALICE, 1, true],
    ['another id', [entry('digest', 'bob:h')], ALICE, 1, false],
    ['another scheme', [entry('x509', 'alice:h')], ALICE, 1, false],
    ['an unknown scheme never matches', [entry('odd', 'x')], [{ scheme: 'odd', id: 'x' }], 1, false],
    ['a later entry', [entry('digest', 'bob:h'), entry('ip', '127.0.0.1')], ALICE, 1, true],
    ['an address in the range', [entry('ip', '127.0.0.0/8')], ALICE, 1, true],
    ['an address beside the range', [entry('ip', '128.0.0.0/8')], ALICE, 1, false],
    ['an id of super in an ACL is nobody', [entry('super', '')], ALICE, 1, false],
  ]
  for (const [what, acl, identities, wanted, expected] of rows) {
    it(`${what}: ${expected}`, () => expect(access.permits(acl, identities, wanted)).to.equal(expected))
  }

  it('replaces auth by every identity that proves who the client is', () => {
    const two: Identities = [...ALICE, { scheme: 'x509', id: 'CN=alice' }]
    expect(access.resolve(CREATOR_ALL_ACL, two)).to.deep.equal([entry('digest', 'alice:h'), entry('x509', 'CN=alice')])
    expect(access.resolve(CREATOR_ALL_ACL, [{ scheme: 'ip', id: '127.0.0.1' }])).to.equal(undefined)
    expect(access.resolve(CREATOR_ALL_ACL, [])).to.equal(undefined)
  })

  it('keeps the first of duplicates', () => {
    expect(
      access.resolve(
        [entry('digest', 'a:b'), entry('auth', ''), entry('digest', 'a:b'), entry('digest', 'a:b', 1)],
        ALICE,
      ),
    ).to.deep.equal([entry('digest', 'a:b'), entry('digest', 'alice:h'), entry('digest', 'a:b', 1)])
  })

  it('takes a long hostile list in its stride', () => {
    const long = Array.from({ length: 50_000 }, (_, at) => entry('digest', `u${at}:h`))
    expect(access.resolve(long, [])).to.have.lengthOf(50_000)
  }).timeout(2000)

  it('stores permission bits as they are given', () => {
    expect(access.resolve([entry('world', 'anyone', 255)], [])).to.deep.equal([entry('world', 'anyone', 255)])
  })

  for (const acl of [
    [],
    [entry('world', 'bob')],
    [entry('world', 'anyone'), entry('world', 'bob')],
    [entry('digest', 'nocolon')],
    [entry('digest', 'a:b:c')],
    [entry('ip', '1.2.3')],
    [entry('ip', '1.2.3.256')],
    [entry('ip', '10.0.0.0/33')],
    [entry('ip', '10.0.0.0/-1')],
    [entry('ip', '10.0.0.0/')],
    [entry('ip', 'localhost')],
    [entry('digest', 'a:')],
    [entry('digest', ':')],
    [entry('odd', 'x')],
    [entry('super', '')],
    [entry('world', 'anyone'), entry('auth', '')],
  ]) {
    it(`refuses ${JSON.stringify(acl)}`, () => expect(access.resolve(acl, [])).to.equal(undefined))
  }

  it('masks digest ids from the first colon on', () => {
    const acl = [entry('digest', 'a:secret'), entry('ip', '1.2.3.4')]
    expect(access.masked(acl, [])).to.deep.equal([entry('digest', 'a:x'), entry('ip', '1.2.3.4')])
    expect(access.masked(acl, TRUSTED)).to.equal(acl)
  })
})
