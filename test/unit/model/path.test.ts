import { expect } from 'chai'
import {
  joinPath,
  nameOf,
  parentOf,
  sequenceSuffix,
  validatePath,
  validatePathForCreate,
} from '../../../lib/model/path.js'

describe('path', () => {
  for (const path of [
    '/',
    '/a',
    '/a/b',
    '/...',
    '/.a',
    '/a.',
    '/a..',
    '/..a/b',
    '/a b',
    '/é',
    '/\u00a0',
    '/\uf900',
    '/\uffef',
    '/a\u007e',
  ]) {
    it(`C13: accepts ${JSON.stringify(path)}`, () => {
      expect(validatePath(path)).to.equal(undefined)
    })
  }

  for (const path of [
    '',
    'a',
    'a/b',
    '/a/',
    '//',
    '//a',
    '/a//b',
    '/.',
    '/..',
    '/./a',
    '/a/./b',
    '/a/../b',
    '/a/..',
    '/a\0',
    '/\u0001',
    '/\u001f',
    '/\u007f',
    '/\u009f',
    '/\ud800',
    '/\udfff',
    '/\ue000',
    '/\uf8ff',
    '/\ufff0',
    '/\uffff',
    '/😀',
  ]) {
    it(`C13: refuses ${JSON.stringify(path)}`, () => {
      expect(validatePath(path)).to.be.a('string')
    })
  }

  it('lets a sequential path end with a slash', () => {
    expect(validatePathForCreate('/q/', true)).to.equal(undefined)
    expect(validatePathForCreate('/q/', false)).to.be.a('string')
    expect(validatePathForCreate('/q//', true)).to.be.a('string')
  })

  it('cuts any text with a slash into parent and name', () => {
    expect(['/', '/a', '/a/b', '/a//b', '/a/', 'a/b'].map(parentOf)).to.deep.equal(['/', '/', '/a', '/a/', '/a', 'a'])
    expect(['/', '/a', '/a/b'].map(nameOf)).to.deep.equal(['', 'a', 'b'])
    expect([joinPath('/', 'a'), joinPath('/a', 'b')]).to.deep.equal(['/a', '/a/b'])
  })

  it('C11: numbers with ten digits, and overflows as ZooKeeper does', () => {
    expect([0, 7, 2147483647, 2147483648, -1].map(sequenceSuffix)).to.deep.equal([
      '0000000000',
      '0000000007',
      '2147483647',
      '-2147483648',
      '-000000001',
    ])
  })
})
