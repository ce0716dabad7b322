import { Failure } from '../../../model/failure.ts';

/**
 * A small strict reader of XML: elements, attributes, text, character data, the five named entities and
 * numbered ones. Deliberately not there: document types and with them every kind of entity expansion and
 * outside reference. One pass, in time proportional to the text; depth and size are bounded.
 */
export const XML_CHARACTERS_MAX = 4_194_304;
export const XML_DEPTH_MAX = 64;

export class XmlFailure extends Failure<'bad-xml'> {
  override readonly name = 'XmlFailure';
}

export interface XmlElement {
  /** Without prefix. */
  readonly name: string;
  /** The namespace's address; empty when there is none. */
  readonly namespace: string;
  /** By their names as written, prefix and all. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** Its own text, without that of its children. */
  readonly text: string;
}

interface OpenElement extends XmlElement {
  readonly tag: string;
  readonly scope: Scope | undefined;
  readonly children: XmlElement[];
  text: string;
}

/** Reads a whole document. Fails with an `XmlFailure` that names the position. */
export function parseXml(text: string): XmlElement {
  if (text.length > XML_CHARACTERS_MAX) {
    throw new XmlFailure(
      'bad-xml',
      `an XML document of ${text.length} characters is too long (limit ${XML_CHARACTERS_MAX})`,
    );
  }
  return new XmlReader(text).document();
}

/** The first child of that name, along a path of names. */
export function childOf(
  element: XmlElement | undefined,
  ...names: readonly string[]
): XmlElement | undefined {
  let at = element;
  for (const name of names) at = at?.children.find((child) => child.name === name);
  return at;
}

export function childrenOf(element: XmlElement | undefined, name: string): readonly XmlElement[] {
  return element?.children.filter((child) => child.name === name) ?? [];
}

/** An attribute, or empty. */
export function attributeOf(element: XmlElement | undefined, name: string): string {
  return element?.attributes.get(name) ?? '';
}

export function textOf(element: XmlElement | undefined): string {
  return element?.text.trim() ?? '';
}

const NAMED_ENTITIES: ReadonlyMap<string, string> = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['quot', '"'],
  ['apos', "'"],
]);

const SPACE = new Set([' ', '\t', '\n', '\r']);
const NAME_ENDS = new Set([...SPACE, '/', '>', '=', '<', '"', "'", '&', '?', '!']);

class XmlReader {
  readonly #text: string;
  #at = 0;
  #root: XmlElement | undefined;
  readonly #open: OpenElement[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  document(): XmlElement {
    // A byte order mark is no text.
    if (this.#text.startsWith('\ufeff')) this.#at = 1;
    while (this.#at < this.#text.length) {
      const tag = this.#text.indexOf('<', this.#at);
      const end = tag < 0 ? this.#text.length : tag;
      this.#characters(this.#text.slice(this.#at, end));
      this.#at = end;
      if (tag >= 0) this.#markup();
    }
    const unfinished = this.#open.at(-1);
    if (unfinished) this.#fail(`the element ${unfinished.tag} is not closed`);
    if (!this.#root) this.#fail('there is no element');
    return this.#root;
  }

  #fail(what: string): never {
    throw new XmlFailure('bad-xml', `${what} (character ${this.#at} of the XML)`);
  }

  #characters(raw: string): void {
    const element = this.#open.at(-1);
    if (element) element.text += this.#decoded(raw);
    else if (raw.trim() !== '') this.#fail('there is text outside of the root element');
  }

  #markup(): void {
    if (this.#skipped('<!--', '-->') || this.#skipped('<?', '?>')) return;
    const verbatim = this.#section('<![CDATA[', ']]>');
    if (verbatim !== undefined) {
      const element = this.#open.at(-1);
      if (!element) this.#fail('there is text outside of the root element');
      element.text += verbatim;
      return;
    }
    if (this.#text.startsWith('<!', this.#at)) this.#fail('document types are not read');
    if (this.#text.startsWith('</', this.#at)) this.#closing();
    else this.#opening();
  }

  #skipped(open: string, close: string): boolean {
    return this.#section(open, close) !== undefined;
  }

  #section(open: string, close: string): string | undefined {
    if (!this.#text.startsWith(open, this.#at)) return undefined;
    const start = this.#at + open.length;
    const end = this.#text.indexOf(close, start);
    if (end < 0) this.#fail(`${open} has no ${close}`);
    this.#at = end + close.length;
    return this.#text.slice(start, end);
  }

  #closing(): void {
    this.#at += 2;
    const tag = this.#name();
    this.#space();
    this.#expect('>');
    const element = this.#open.pop();
    if (element?.tag !== tag) {
      this.#fail(`</${tag}> closes ${element ? `the element ${element.tag}` : 'nothing'}`);
    }
  }

  #opening(): void {
    this.#at += 1;
    const tag = this.#name();
    const parent = this.#open.at(-1);
    if (!parent && this.#root) this.#fail('there is a second root element');
    if (this.#open.length >= XML_DEPTH_MAX) {
      this.#fail(`elements are nested more than ${XML_DEPTH_MAX} deep`);
    }
    const attributes = this.#attributes();
    const scope = scopeInside(attributes, parent?.scope);
    const colon = tag.indexOf(':');
    const element: OpenElement = {
      tag,
      scope,
      name: tag.slice(colon + 1),
      namespace: namespaceOf(colon < 0 ? '' : tag.slice(0, colon), scope),
      attributes,
      children: [],
      text: '',
    };
    if (parent) parent.children.push(element);
    else this.#root = element;
    if (this.#text[this.#at] === '/') this.#at += 1;
    else this.#open.push(element);
    this.#expect('>');
  }

  #attributes(): ReadonlyMap<string, string> {
    const attributes = new Map<string, string>();
    for (;;) {
      const spaced = this.#space();
      const next = this.#text[this.#at];
      if (next === '>' || next === '/') return attributes;
      if (!spaced) this.#fail('a space is missing before an attribute');
      const name = this.#name();
      this.#space();
      this.#expect('=');
      this.#space();
      const quote = this.#text[this.#at];
      if (quote !== '"' && quote !== "'") this.#fail(`the value of ${name} is not in quotes`);
      const end = this.#text.indexOf(quote, this.#at + 1);
      if (end < 0) this.#fail(`the value of ${name} has no end`);
      const raw = this.#text.slice(this.#at + 1, end);
      if (raw.includes('<')) this.#fail(`the value of ${name} contains <`);
      if (attributes.has(name)) this.#fail(`the attribute ${name} stands there twice`);
      attributes.set(name, this.#decoded(raw));
      this.#at = end + 1;
    }
  }

  #name(): string {
    const start = this.#at;
    while (this.#at < this.#text.length && !NAME_ENDS.has(this.#text[this.#at]!)) this.#at += 1;
    if (this.#at === start) this.#fail('a name is missing');
    return this.#text.slice(start, this.#at);
  }

  #space(): boolean {
    const start = this.#at;
    while (this.#at < this.#text.length && SPACE.has(this.#text[this.#at]!)) this.#at += 1;
    return this.#at > start;
  }

  #expect(character: string): void {
    if (this.#text[this.#at] !== character) this.#fail(`${character} is missing`);
    this.#at += 1;
  }

  #decoded(raw: string): string {
    let ampersand = raw.indexOf('&');
    if (ampersand < 0) return raw;
    let text = '';
    let from = 0;
    while (ampersand >= 0) {
      const end = raw.indexOf(';', ampersand);
      // The longest reference there is, &#x10ffff;, has ten characters.
      if (end < 0 || end - ampersand > 10) this.#fail('an & begins no reference');
      text += raw.slice(from, ampersand) + this.#reference(raw.slice(ampersand + 1, end));
      from = end + 1;
      ampersand = raw.indexOf('&', from);
    }
    return text + raw.slice(from);
  }

  #reference(name: string): string {
    const named = NAMED_ENTITIES.get(name);
    if (named !== undefined) return named;
    const hexadecimal = /^#x([0-9a-fA-F]{1,6})$/.exec(name);
    const decimal = /^#([0-9]{1,7})$/.exec(name);
    const point = hexadecimal
      ? Number.parseInt(hexadecimal[1]!, 16)
      : decimal
        ? Number(decimal[1])
        : -1;
    const isCharacter = point > 0 && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
    if (!isCharacter) this.#fail(`&${name}; is not known`);
    return String.fromCodePoint(point);
  }
}

/** Namespaces by prefix. Scopes are linked, not copied: a document cannot make one declaration cost many. */
interface Scope {
  readonly own: ReadonlyMap<string, string>;
  readonly outer: Scope | undefined;
}

/** Most elements declare no namespace and share their parent's scope. */
function scopeInside(
  attributes: ReadonlyMap<string, string>,
  outer: Scope | undefined,
): Scope | undefined {
  let own: Map<string, string> | undefined;
  for (const [name, value] of attributes) {
    if (name !== 'xmlns' && !name.startsWith('xmlns:')) continue;
    own ??= new Map();
    own.set(name.slice('xmlns:'.length), value);
  }
  return own ? { own, outer } : outer;
}

function namespaceOf(prefix: string, scope: Scope | undefined): string {
  for (let at = scope; at; at = at.outer) {
    const namespace = at.own.get(prefix);
    if (namespace !== undefined) return namespace;
  }
  return '';
}
