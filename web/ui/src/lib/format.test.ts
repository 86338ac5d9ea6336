import { describe, expect, it } from 'vitest'
import { formatCount, formatPictures, formatDuration, formatRate, languageName, nameOf, placeOf } from './format'

describe('format', () => {
  it.each([
    [-1, ''], [NaN, ''], [Infinity, ''], [0.4, 'less than a second'], [42.4, '42 s'], [600, '10 min'], [9000, '2.5 h'],
  ])('says how long %d seconds are', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text)
  })

  it('says how fast and how many', () => {
    expect(formatRate(0)).toBe('')
    expect(formatRate(1.26)).toBe('1.3/s')
    expect(formatRate(123.4)).toBe('123/s')
    expect(formatCount(1234567)).toBe('1,234,567')
  })

  it('names files and places', () => {
    expect(nameOf('file:///a/b%20c.png')).toBe('b c.png')
    expect(nameOf('file:///a/%zz.png')).toBe('%zz.png')
    expect(nameOf('')).toBe('')
    expect(placeOf('file:///a/b%20c.png')).toBe('/a/b c.png')
    expect(placeOf('s3://bucket/x')).toBe('s3://bucket/x')
  })

  it('names languages', () => {
    expect(languageName('hi')).toBe('Hindi')
    expect(languageName('')).toBe('unknown language')
    expect(languageName('not a tag')).toBe('not a tag')
  })
})

describe('formatPictures', () => {
  it('tells one from several', () => {
    expect([0, 1, 1200].map(formatPictures)).toEqual(['0 pictures', '1 picture', '1,200 pictures'])
  })
})
