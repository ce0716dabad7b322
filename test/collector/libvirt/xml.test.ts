import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  attributeOf,
  childOf,
  childrenOf,
  parseXml,
  textOf,
  XML_CHARACTERS_MAX,
  XML_DEPTH_MAX,
  XmlFailure,
} from '../../../collector/sources/libvirt/xml.ts';

interface Tree {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string;
  readonly children: readonly Tree[];
}

const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]{0,8}$/);
// Line breaks in attributes are for the writer to escape; a carriage return is not a character of ours.
const words = fc.string({ unit: 'grapheme', maxLength: 12 });
const attributes = fc.dictionary(name, words, { maxKeys: 3, noNullPrototype: true });
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3 },
    fc.record({ name, attributes, text: words, children: fc.constant([]) }),
    fc.record({ name, attributes, text: words, children: fc.array(tie('tree'), { maxLength: 3 }) }),
  ),
}));

const escaped = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&#62;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#x27;');

function written({ name, attributes, text, children }: Tree): string {
  const list = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(value)}"`);
  const inside = escaped(text) + children.map(written).join('');
  return inside === ''
    ? `<${name}${list.join('')}/>`
    : `<${name}${list.join('')}>${inside}</${name}>`;
}

describe('XML', () => {
  test('what was written is what is read', () => {
    fc.assert(
      fc.property(tree, (root) => {
        const check = (expected: Tree, read: ReturnType<typeof parseXml>): void => {
          expect(read.name).toBe(expected.name);
          expect(read.text).toBe(expected.text);
          expect(Object.fromEntries(read.attributes)).toEqual(expected.attributes);
          expect(read.children).toHaveLength(expected.children.length);
          expected.children.forEach((child, i) => check(child, read.children[i]!));
        };
        check(root, parseXml(written(root)));
      }),
    );
  });

  test('any text is read or refused as bad XML', () => {
    const piece = fc.oneof(
      fc.constantFrom('<', '>', '</', '/>', '<a', 'a', '="', '"', "'", '&', ';', '<!--', '-->'),
      fc.constantFrom(
        '<![CDATA[',
        ']]>',
        '<?',
        '?>',
        '<!DOCTYPE',
        ' ',
        'xmlns:b="u"',
        '&#x',
        '<b:c>',
      ),
      fc.string({ maxLength: 3 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        try {
          parseXml(pieces.join(''));
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(XmlFailure);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('prolog, comments, processing instructions and character data', () => {
    const root = parseXml(
      "\ufeff<?xml version='1.0'?>\n<!-- <a> -->\n<a>x<!-- y --><![CDATA[<&>]]><?z?> w</a>\n<!-- end -->\n",
    );
    expect(root.text).toBe('x<&> w');
  });

  test('namespaces follow the scope of their prefix', () => {
    const root = parseXml(
      '<a xmlns="default" xmlns:n="one"><n:b><c/><n:d xmlns:n="two"/></n:b><n:e/></a>',
    );
    expect(root.namespace).toBe('default');
    const b = childOf(root, 'b');
    expect(b?.namespace).toBe('one');
    expect(childOf(b, 'c')?.namespace).toBe('default');
    expect(childOf(b, 'd')?.namespace).toBe('two');
    expect(childOf(root, 'e')?.namespace).toBe('one');
  });

  test('looking for what is not there gives nothing', () => {
    const root = parseXml('<a><b k="v"> t </b><b/></a>');
    expect(attributeOf(childOf(root, 'b'), 'k')).toBe('v');
    expect(textOf(childOf(root, 'b'))).toBe('t');
    expect(attributeOf(childOf(root, 'x', 'y'), 'k')).toBe('');
    expect(textOf(undefined)).toBe('');
    expect(childrenOf(root, 'b')).toHaveLength(2);
    expect(childrenOf(undefined, 'b')).toEqual([]);
  });

  test.each([
    ['nothing', ''],
    ['text only', 'a'],
    ['text after the root', '<a/>b'],
    ['two roots', '<a/><b/>'],
    ['not closed', '<a><b></b>'],
    ['closed wrongly', '<a><b></a></b>'],
    ['closed without being open', '</a>'],
    ['an attribute without quotes', '<a b=c/>'],
    ['an attribute twice', '<a b="1" b="2"/>'],
    ['attributes that touch', '<a b="1"c="2"/>'],
    ['a value without end', '<a b="1/>'],
    ['< in a value', '<a b="<"/>'],
    ['an unknown entity', '<a>&nbsp;</a>'],
    ['a bare ampersand', '<a>a & b</a>'],
    ['a number beyond Unicode', '<a>&#x110000;</a>'],
    ['half a surrogate', '<a>&#xd800;</a>'],
    ['the character zero', '<a>&#0;</a>'],
    ['a document type', '<!DOCTYPE a [<!ENTITY b "bbbb">]><a>&b;</a>'],
    ['a comment without end', '<a><!-- </a>'],
    ['character data without end', '<a><![CDATA[ </a>'],
    ['a nameless element', '<a>< b/></a>'],
  ])('%s is refused', (_, text) => {
    expect(() => parseXml(text)).toThrow(XmlFailure);
  });

  test('depth and size are bounded', () => {
    const nested = (depth: number): string => '<a>'.repeat(depth) + '</a>'.repeat(depth);
    expect(parseXml(nested(XML_DEPTH_MAX)).name).toBe('a');
    expect(() => parseXml(nested(XML_DEPTH_MAX + 1))).toThrow(/nested more than/);
    expect(() => parseXml(`<a>${' '.repeat(XML_CHARACTERS_MAX)}</a>`)).toThrow(/too long/);
  });

  test('many namespaces at the top and many elements below take linear time', () => {
    const declared = Array.from({ length: 20_000 }, (_, i) => ` xmlns:n${i}="u"`).join('');
    const text = `<a${declared}>${'<b xmlns:x="y"/>'.repeat(20_000)}</a>`;
    const started = performance.now();
    expect(parseXml(text).children).toHaveLength(20_000);
    expect(performance.now() - started).toBeLessThan(3000);
  });
});
