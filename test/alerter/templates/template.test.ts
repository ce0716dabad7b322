import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TemplateFailure } from '../../../alerter/templates/failure.ts';
import { ruleFunctions, sampleList, sampleValue } from '../../../alerter/templates/prometheus.ts';
import { executeTemplate, parseTemplate } from '../../../alerter/templates/template.ts';
import type { Value } from '../../../alerter/templates/values.ts';
import { GoStruct, stringMap } from '../../../alerter/templates/values.ts';

const PREFIX =
  '{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}';

const functions = ruleFunctions({
  externalUrl: 'http://prometheus.test/mon',
  timeMs: 1_700_000_000_500,
  query: (text) => {
    if (text === 'nothing') return sampleList([]);
    return sampleList([
      sampleValue(
        stringMap([
          ['instance', 'b'],
          ['__value__', 'text'],
        ]),
        10,
      ),
      sampleValue(stringMap([['instance', 'a']]), 2),
      sampleValue(stringMap([['instance', '10']]), 3),
    ]);
  },
});

function expand(text: string, value = 3, labels: Record<string, string> = {}): string {
  const data = new GoStruct(
    new Map<string, Value>([
      ['Labels', stringMap(Object.entries(labels))],
      ['ExternalLabels', stringMap([['dc', 'x1']])],
      ['ExternalURL', 'http://prometheus.test/mon'],
      ['Value', value],
    ]),
    'struct',
  );
  return executeTemplate(parseTemplate(PREFIX + text, functions), data);
}

function failure(text: string, value = 3): string {
  try {
    return `no failure but ${expand(text, value)}`;
  } catch (thrown) {
    if (!(thrown instanceof TemplateFailure)) throw thrown;
    return `${thrown.code}: ${thrown.message}`;
  }
}

describe('T1: data and missing keys', () => {
  test.each([
    ['{{ $labels.nope }}|', '|'],
    ['{{ $labels.constructor }}{{ .Labels.__proto__ }}{{ $labels.toString }}|', '|'],
    ['{{ $labels.a }} {{ .Labels.a }} {{ .Value }} {{ .ExternalLabels.dc }}', '1 1 3 x1'],
    ['{{ $externalLabels.dc }} {{ $externalURL }}', 'x1 http://prometheus.test/mon'],
    ['{{ .ExternalURL }}', 'http://prometheus.test/mon'],
  ])('%s', (text, expected) => {
    expect(expand(text, 3, { a: '1' })).toBe(expected);
  });

  test('another field of dot is an execution error', () => {
    expect(failure('{{ .Nope }}')).toContain("execution: line 1: can't evaluate field Nope");
    expect(failure('{{ .constructor }}')).toContain("can't evaluate field constructor");
  });
});

describe('T3: numbers print as in Go', () => {
  test.each([
    [1234567.891, '1.234567891e+06'],
    [93784.567, '93784.567'],
    [-98765.4321, '-98765.4321'],
    [42, '42'],
    [1e21, '1e+21'],
    [Infinity, '+Inf'],
    [-Infinity, '-Inf'],
    [NaN, 'NaN'],
    [0, '0'],
    [0.0001, '0.0001'],
    [0.00001, '1e-05'],
    [100000, '100000'],
    [1000000, '1e+06'],
    [5e-324, '5e-324'],
    [0.1, '0.1'],
  ])('%d', (value, expected) => {
    expect(expand('{{ $value }}', value)).toBe(expected);
  });
});

describe('T4: functions', () => {
  test.each<[string, number, string]>([
    ['{{ humanize $value }}', 1234567, '1.235M'],
    ['{{ humanize $value }}', 0.001234, '1.234m'],
    ['{{ humanize $value }}', -98765.4321, '-98.77k'],
    ['{{ humanize $value }}', 0.1235, '123.5m'],
    ['{{ humanize $value }}', 1e21, '1Z'],
    ['{{ humanize $value }}', 0, '0'],
    ['{{ humanize $value }}', Infinity, '+Inf'],
    ['{{ humanize1024 $value }}', 1234567.891, '1.177Mi'],
    ['{{ humanize1024 $value }}', -98765.4321, '-96.45ki'],
    ['{{ humanize1024 $value }}', 1, '1'],
    ['{{ humanizeDuration $value }}', 1234567.891, '14d 6h 56m 7s'],
    ['{{ humanizeDuration $value }}', -98765.4321, '-1d 3h 26m 5s'],
    ['{{ humanizeDuration $value }}', 3600, '1h 0m 0s'],
    ['{{ humanizeDuration $value }}', 86400, '1d 0h 0m 0s'],
    ['{{ humanizeDuration $value }}', 59.9, '59.9s'],
    ['{{ humanizeDuration $value }}', 42, '42s'],
    ['{{ humanizeDuration $value }}', 0.001234, '1.234ms'],
    ['{{ humanizeDuration $value }}', 0.000001, '1us'],
    ['{{ humanizeDuration $value }}', 0, '0s'],
    ['{{ humanizeDuration $value }}', 60, '1m 0s'],
    ['{{ humanizeDuration $value }}', NaN, 'NaN'],
    ['{{ humanizePercentage $value }}', 0.1235, '12.35%'],
    ['{{ humanizePercentage $value }}', 42, '4200%'],
    ['{{ humanizePercentage $value }}', 1234567.891, '1.235e+08%'],
    ['{{ humanizeTimestamp $value }}', 1435065584.128, '2015-06-23 13:19:44.128 +0000 UTC'],
    ['{{ humanizeTimestamp $value }}', 0, '1970-01-01 00:00:00 +0000 UTC'],
    ['{{ humanizeTimestamp $value }}', -1, '1969-12-31 23:59:59 +0000 UTC'],
    ['{{ "1.5e3" | humanize }}', 0, '1.5k'],
    [
      '{{ (toTime $value).Format "2006-01-02T15:04:05Z07:00 Mon Jan" }}',
      1709164800,
      '2024-02-29T00:00:00Z Thu Feb',
    ],
    [
      '{{ (toTime $value).Year }} {{ (toTime $value).Month }} {{ (toTime $value).YearDay }}',
      1709251199,
      '2024 February 60',
    ],
    ['{{ (toTime $value).Weekday }} {{ (toTime $value).Unix }}', 86400, 'Friday 86400'],
    ['{{ toDuration $value }}', 3661.5, '1h1m1.5s'],
    ['{{ toDuration $value }}', 0.0015, '1.5ms'],
    ['{{ now }}', 0, '1.7000000005e+09'],
    ['{{ parseDuration "1h30m" }} {{ parseDuration "-5m" }}', 0, '5400 -300'],
    ['{{ title "hello wORLD foo-bar x_y" }}', 0, 'Hello WORLD Foo-Bar X_y'],
    ['{{ toUpper "aB" }}{{ toLower "aB" }}', 0, 'ABab'],
    ['{{ match "a.c" "xabcx" }} {{ match "^b" "ab" }}', 0, 'true false'],
    ['{{ reReplaceAll "(.*):(\\\\d+)" "$2-${1}" "host:9100" }}', 0, '9100-host'],
    ['{{ reReplaceAll "(?P<h>a)" "[$h]$$ $nope|" "bab" }}', 0, 'b[a]$ |b'],
    ['{{ reReplaceAll "" "-" "ab" }}', 0, '-a-b-'],
    [
      '{{ stripPort "host:90" }} {{ stripPort "[::1]:90" }} {{ stripPort "::1" }} {{ stripPort "h" }}',
      0,
      'host ::1 ::1 h',
    ],
    [
      '{{ stripDomain "a.b.c:90" }} {{ stripDomain "a.b" }} {{ stripDomain "10.0.0.1:9" }} {{ stripDomain "[::1]:90" }}',
      0,
      'a:90 a 10.0.0.1:9 [::1]:90',
    ],
    [
      '{{ graphLink "up == 1" }} {{ tableLink "a+b" }}',
      0,
      '/graph?g0.expr=up+%3D%3D+1&g0.tab=0 /graph?g0.expr=a%2Bb&g0.tab=1',
    ],
    ['{{ externalURL }} {{ pathPrefix }}', 0, 'http://prometheus.test/mon /mon'],
    [
      '{{ define "x" }}{{ .arg0 }}/{{ .arg1 }}/{{ .arg9 }}{{ end }}{{ template "x" (args 1 "b") }}',
      0,
      '1/b/<no value>',
    ],
    ['{{ safeHtml "<b>" }}{{ urlQueryEscape "a b&c" }}', 0, '<b>a+b%26c'],
    ['{{ with query "up" }}{{ . | first | value }}{{ end }}', 0, '10'],
    [
      '{{ query "up" | first | label "instance" }}|{{ query "up" | first | label "none" }}|{{ query "up" | first | strvalue }}',
      0,
      'b||text',
    ],
    [
      '{{ range query "up" | sortByLabel "instance" }}{{ .Labels.instance }}={{ .Value }};{{ end }}',
      0,
      '10=3;a=2;b=10;',
    ],
    ['{{ range query "nothing" }}x{{ else }}none{{ end }}', 0, 'none'],
  ])('%s of %d', (text, value, expected) => {
    expect(expand(text, value)).toBe(expected);
  });

  test.each([
    ['{{ humanize "x" }}', 'error calling humanize: parsing "x": invalid syntax'],
    ['{{ query "nothing" | first }}', 'first() called on vector with no elements'],
    ['{{ match "(" "a" }}', 'the regular expression cannot be read'],
    ['{{ humanizeTimestamp 1e300 }}', 'cannot be represented'],
    ['{{ toUpper 1 }}', 'expected string; got int'],
    ['{{ parseDuration "1.5h" }}', 'not a valid duration'],
    ['{{ first "x" }}', 'expected template.queryResult; got string'],
  ])('%s fails', (text, expected) => {
    expect(failure(text)).toContain(expected);
    expect(failure(text)).toMatch(/^execution: /);
  });
});

describe('T5: what other tools have is unknown here, at parsing', () => {
  test.each([
    'tmpl "x" .',
    'join "," $labels',
    'trimSpace "x"',
    'parseDurationTime "1s"',
    'toJson 1',
  ])('%s', (text) => {
    expect(failure(`{{ ${text} }}`)).toMatch(/^syntax: line 1: function "\w+" not defined/);
  });
});

describe('T6: the language', () => {
  test.each([
    [
      '{{ if eq $labels.a "1" }}one{{ else if eq $labels.a "2" }}two{{ else }}other{{ end }}',
      'one',
    ],
    ['{{ with $labels.none }}x{{ else }}none{{ end }}', 'none'],
    ['{{ with $labels.none }}x{{ else with $labels.a }}{{ . }}{{ end }}', '1'],
    ['{{ range $k, $v := $labels }}{{ $k }}={{ $v }},{{ end }}', '__name__=x,a=1,b=2,'],
    ['{{ range $v := $labels }}{{ $v }}{{ end }}', 'x12'],
    ['{{ range $labels }}{{ . }}{{ if eq . "1" }}{{ break }}{{ end }},{{ end }}', 'x,1'],
    ['{{ range $labels }}{{ if eq . "1" }}{{ continue }}{{ end }}{{ . }}{{ end }}', 'x2'],
    ['{{ range 3 }}{{ . }}{{ end }}', '012'],
    ['{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ $x }}{{ end }}{{ $x }}', '21'],
    ['{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}', '2'],
    ['a {{- " b " -}} c', 'a b c'],
    ['a{{/* note */}}b {{- /* n */ -}} c', 'abc'],
    ['{{ define "t" }}<{{ . }}>{{ end }}{{ template "t" "x" }}', '<x>'],
    ['{{ block "b" $value }}[{{ . }}]{{ end }}', '[3]'],
    ['{{ "x" | printf "%s-%s" "y" }}', 'y-x'],
    ['{{ (index $labels "a") }}{{ index $labels "zz" }}', '1'],
    ['{{ and 1 0 2 }} {{ and 1 2 }} {{ or 0 "" "x" }} {{ not 0 }}', '0 2 x true'],
    ['{{ or 1 (index 1 2) }} {{ and 0 (index 1 2) }}', '1 0'],
    ['{{ len "äb" }} {{ len $labels }} {{ slice "hello" 1 3 }}', '3 3 el'],
    ['{{ print 1 2 "a" 3 }}|{{ println 1 "a" }}|', '1 2a3|1 a\n|'],
    [
      '{{ html "<a b=\\"c\\">" }} {{ js "it\'s" }} {{ urlquery "a b/c" }}',
      "&lt;a b=&#34;c&#34;&gt; it\\'s a+b%2Fc",
    ],
    [
      '{{ `raw {{ }} "x"` }} {{ \'a\' }} {{ 0x1F }} {{ 1_000 }} {{ 017 }}',
      'raw {{ }} "x" 97 31 1000 15',
    ],
    ['{{ "\\u00e9\\t\\x41\\101" }}', 'é\tAA'],
    [
      '{{ eq 1 2 1 }} {{ ne "a" "b" }} {{ lt 1 2 }} {{ le 2.0 2.0 }} {{ gt "b" "a" }} {{ ge 1 2 }}',
      'true true true true true false',
    ],
    ['{{ if and (eq $labels.a "1") (gt $value 1.0) }}yes{{ end }}', 'yes'],
    ['{{ $x := $labels }}{{ $x.a }}{{ (print "q") }}', '1q'],
    ['{{ if not $labels.zz }}{{ range $i, $e := $labels }}{{ end }}ok{{ end }}', 'ok'],
  ])('%s', (text, expected) => {
    expect(expand(text, 3, { __name__: 'x', a: '1', b: '2' })).toBe(expected);
  });

  test.each([
    ['{{ $nope }}', 'undefined variable "$nope"'],
    ['{{ if true }}', 'unexpected EOF'],
    ['{{ end }}', 'unexpected {{end}}'],
    ['{{ "x }}', 'unterminated quoted string'],
    ['{{ ( }}', 'unclosed left paren'],
    ['{{ }}', 'missing value for command'],
    ['{{ 1 | 2 }}', 'non executable command'],
    ['{{ break }}', '{{break}} outside {{range}}'],
    ['{{ "a" "b" ', 'unclosed action'],
    ['{{/* x', 'unclosed comment'],
    ['a\nb\n{{ nope }}', 'line 3: function "nope" not defined'],
    ['{{ define "x" }}{{ $labels }}{{ end }}', 'undefined variable "$labels"'],
    ['{{ $labels.a | }}', 'missing command after |'],
    ['{{ 99999999999999999999 }}', 'integer overflow'],
    ['{{ if 1 }}'.repeat(200), 'nested deeper'],
    [`{{ ${'('.repeat(200)}1${')'.repeat(200)} }}`, 'nested deeper'],
  ])('syntax: %s', (text, expected) => {
    expect(failure(text)).toContain(expected);
    expect(failure(text)).toMatch(/^syntax: /);
  });
});

describe('T7: types show', () => {
  test.each([
    ['{{ eq 1 1.0 }}', 'incompatible types for comparison'],
    ['{{ gt $value 1 }}', 'incompatible types for comparison'],
    ['{{ ne 1 2 3 }}', 'wrong number of args for ne: want 2 got 3'],
    ['{{ lt true false }}', 'invalid type for comparison'],
    ['{{ eq $labels $labels }}', 'non-comparable type map[string]string'],
    ['{{ "x" "y" }}', "can't give argument to non-function"],
    ['{{ $value.Foo }}', "can't evaluate field Foo in type float64"],
    ['{{ template "none" }}', 'template "none" not defined'],
    ['{{ range 1.5 }}{{ end }}', "range can't iterate over float64"],
    ['{{ index "abc" 3 }}', 'index out of range'],
    ['{{ call "x" }}', 'no function'],
  ])('%s fails', (text, expected) => {
    expect(failure(text)).toContain(expected);
  });

  test('constants keep their type', () => {
    expect(expand('{{ gt $value 1.0 }} {{ 1000000.0 }} {{ 1000000 }} {{ 1e3 }}')).toBe(
      'true 1e+06 1000000 1000',
    );
    expect(expand('{{ gt $value 1.0 }}', NaN)).toBe('true');
  });
});

describe('T8: printf', () => {
  test.each<[string, string]>([
    ['printf "%d|%s" $value', '%!d(float64=3)|%!s(MISSING)'],
    ['printf "%.f" $value', '3'],
    ['printf "%.0f %.0f %.0f" 0.5 1.5 2.5', '0 2 2'],
    [
      'printf "%.2f|%8.2f|%-8.2f|%08.2f|%+.1f" 1.005 3.14159 3.14159 -3.14159 2.0',
      '1.00|    3.14|3.14    |-0003.14|+2.0',
    ],
    [
      'printf "%.4g %g %e %E" 1234567.0 0.1 1234.5 0.00012',
      '1.235e+06 0.1 1.234500e+03 1.200000E-04',
    ],
    ['printf "%v %v %v %v" 1 "a" true 2.5', '1 a true 2.5'],
    ['printf "%s %q %x %X" "hi" "h\\"i" "hi" "hi"', 'hi "h\\"i" 6869 6869'],
    [
      'printf "%5d|%-5d|%05d|%+d|% d|%x|%#x|%b|%o|%c|%U" 42 42 42 42 42 255 255 5 8 65 65',
      '   42|42   |00042|+42| 42|ff|0xff|101|10|A|U+0041',
    ],
    ['printf "%t %%|%5s|%-5s|%.2s" true "a" "b" "xyz"', 'true %|    a|b    |xy'],
    ['printf "%d" "x"', '%!d(string=x)'],
    ['printf "a" 1 "b"', 'a%!(EXTRA int=1, string=b)'],
    ['printf "%z" 1', '%!z(int=1)'],
    ['printf "100%"', '100%!(NOVERB)'],
    ['printf "%*d|%[2]d %[1]d" 4 7', '   7|7 4'],
    ['printf "%v %d" nil 1', '<nil> 1'],
    ['printf "%s" $labels', 'map[a:1]'],
    ['printf "%T %T" 1 1.5', 'int float64'],
    ['printf "%.3f" 1e21', '1000000000000000000000.000'],
  ])('%s', (call, expected) => {
    expect(expand(`{{ ${call} }}`, 3, { a: '1' })).toBe(expected);
  });
});

test('T9: maps print sorted by code point', () => {
  expect(expand('{{ $labels }}', 1, { b: '1', a: '2', __name__: 'x' })).toBe(
    'map[__name__:x a:2 b:1]',
  );
  expect(expand('{{ $labels }}', 1, { '\u{1f600}': '1', '\uffee': '2' })).toBe(
    'map[\uffee:2 \u{1f600}:1]',
  );
});

describe('bounds', () => {
  test.each([
    ['steps', '{{ range 1000000 }}{{ range 1000000 }}{{ end }}{{ end }}'],
    ['output', '{{ range 5000 }}{{ $externalURL }}{{ end }}'],
    ['width', '{{ printf "%1000000d" 1 }}'],
    ['doubling', '{{ $x := "aaaaaaaa" }}{{ range 60 }}{{ $x = print $x $x }}{{ end }}'],
    ['recursion', '{{ define "r" }}{{ template "r" }}{{ end }}{{ template "r" }}'],
    [
      'regex work',
      `{{ $x := "a" }}{{ range 15 }}{{ $x = print $x $x }}{{ end }}{{ match "${'(a*)*'.repeat(600)}b" $x }}`,
    ],
  ])('%s', (_, text) => {
    expect(failure(text)).toMatch(/^limit: /);
  });
});

describe('any text at all', () => {
  const pieces = fc.constantFrom(
    '{{',
    '}}',
    '{{-',
    '-}}',
    ' ',
    '\n',
    '(',
    ')',
    '|',
    '$',
    '$labels',
    '$value',
    '.',
    '.Labels',
    '.a',
    'if',
    'else',
    'end',
    'range',
    'with',
    'define',
    'template',
    'block',
    'break',
    'continue',
    '"x"',
    '`r`',
    "'c'",
    '1',
    '1.5',
    '-',
    'eq',
    'and',
    'or',
    'printf',
    'index',
    'len',
    'slice',
    'humanize',
    'query',
    'first',
    'args',
    ':=',
    '=',
    ',',
    'nil',
    'true',
    '/*',
    '*/',
    '"%d %s"',
    '$x',
    'reReplaceAll',
    '\\',
  );
  test('only a TemplateFailure comes out, and the output is bounded', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.array(pieces, { maxLength: 40 }).map((parts) => parts.join('')),
      fc.array(pieces, { maxLength: 12 }).map((parts) => `{{ ${parts.join(' ')} }}`),
    );
    let expanded = 0;
    fc.assert(
      fc.property(text, (source) => {
        try {
          expect(expand(source).length).toBeLessThanOrEqual(65_536);
          expanded++;
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(TemplateFailure);
        }
      }),
      { numRuns: 3000 },
    );
    // The generator must reach beyond the parser.
    expect(expanded).toBeGreaterThan(100);
  });

  test('printf never throws anything else, whatever the format', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii', maxLength: 30 }), (format) => {
        const quoted = JSON.stringify(format.replaceAll('`', ''));
        try {
          expand(`{{ printf ${quoted} 1 $value "x" $labels }}`);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(TemplateFailure);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('a float of any kind reads back from its shortest text', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(Number(expand('{{ $value }}', value))).toBe(value);
        expect(Number(expand('{{ printf "%.17e" $value }}', value))).toBe(value);
      }),
    );
  });
});
