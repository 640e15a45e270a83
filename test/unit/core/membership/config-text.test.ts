import { expect } from 'chai'
import { configText } from '../../../../lib/core/membership/config-text.js'
import type { Member } from '../../../../lib/model/ensemble-config.js'
import type { PeerId } from '../../../../lib/model/ids.js'
import { ZERO, zxid } from '../../../../lib/model/zxid.js'

const member = (id: number, address: string, role: Member['role'] = 'participant'): Member => {
  return { id: id as PeerId, address, role }
}

describe('text of the configuration', () => {
  it('has a line for each member and the version', () => {
    const members = [
      member(1, 'tcp://10.0.0.1:2888'),
      member(2, 'tcp://[::1]:2889', 'observer'),
      member(3, 'memory://three'),
    ]
    expect(configText({ version: ZERO, members })).to.equal(
      [
        'server.1=10.0.0.1:2888:2888:participant',
        'server.2=[::1]:2889:2889:observer',
        'server.3=memory://three:participant',
        'version=0',
      ].join('\n'),
    )
    expect(configText({ version: zxid(0x12, 0xab), members })).to.match(/\nversion=12000000ab$/)
  })

  it('has groups and weights where members do not count alike', () => {
    const members = [
      { ...member(1, 'tcp://h:1'), group: 2, weight: 3 },
      { ...member(2, 'tcp://h:2'), group: 1 },
      member(3, 'tcp://h:3', 'observer'),
    ]
    expect(configText({ version: ZERO, members }).split('\n').slice(3)).to.deep.equal([
      'group.1=2',
      'group.2=1',
      'weight.1=3',
      'weight.2=1',
      'version=0',
    ])
  })

  it('is empty of a peer that is alone', () => {
    expect(configText({ version: ZERO, members: [member(1, 'memory://alone')] })).to.equal('')
  })
})
