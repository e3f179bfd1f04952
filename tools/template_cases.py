"""Small templates, a feature each, that make_template_goldens.py has Jinja2 render. `{{ ... }}` is put around those in
EXPRESSIONS. Data: DATA and one system, one user message."""

DATA = {
    "items": [3, 1, 2],
    "names": ["bob", "Alice", "carol", "alice"],
    "users": [
        {"name": "Bob", "age": 30, "address": {"city": "Bern"}},
        {"name": "Ann", "age": 25, "address": {"city": "Rome"}},
        {"name": "cyd", "age": 30, "address": {"city": "bern"}},
    ],
    "d": {"b": 1, "a": [1, 2.5, None, True], "C": {"x": "y"}, "get": 5},
    "text": "Grüße, 你好 🙂 e\u0301\tΣΑΣ 'q' \"d\"\n",
    "html": "<a href='x'>T & \"U\"</a>",
    "f": 2.675,
    "big": 9223372036854775807,
    "tree": [{"n": "a", "c": [{"n": "b", "c": []}, {"n": "c", "c": [{"n": "d", "c": []}]}]}, {"n": "e", "c": []}],
}

EXPRESSIONS = r"""
1 + 2 * 3 - 4 | abs
7 // 2, -7 // 2, 7 % -3, -7 % 3, 7.5 // 2, -7.5 % 2, 2 ** 10, 2 ** -1, 7 / 2, 1e300 * 10
2 ** 3 ** 2, -2 ** 2, 10 - 3 - 2
0.1 + 0.2, 1e16, 1e15, 1.5e-5, 0.0001, 100.0, 1e22, -0.0, 123456789.125
1_000, 0x1f, 0b101, 0o17, 1_0.5_0, 1e3
big, big - 1
1 < 2 < 3, 1 < 3 < 2, 1 == 1.0, True == 1, 'a' < 'b', [1, 2] < [1, 3], (1,) == [1]
1 in items, 'ob' in 'bob', 'x' not in d, 'a' in d, 3 not in items
not true and false or true, not (1 in [1]), none is none
'a' ~ 1 ~ none ~ 1.5 ~ true ~ [1, 'x'] ~ missing
"a" 'b' "c"
'\x41\u00e9\n\t\\\'\101\q' ~ "\"" ~ '\é'
'yes' if items else 'no', ('x' if false) is undefined, 'a' if false else 'b' if false else 'c'
items[0], items[-1], items[5] is defined, items[1:], items[::-1], items[:-1], items[::2], items[5:], items[-2:1]
text[0:5], text[2], text[-3:], text[::-1] | length, text | length, text[5:2], text[::3]
[1, 2, 3, 4, 5][3:0:-2], [1, 2, 3][10::-1], 'abc'[:none], (1, 2, 3)[1:]
d.b, d['b'], d.a[1], d.C.x, d['C']['x'], d.missing is defined, d.get('zz', 'dflt'), d['get']
d.items() | list, d.keys() | list, d.values() | list, d | length, d.items()
d | items | list, d | dictsort, d | dictsort(true), d | dictsort(by='value', reverse=true) if false
{'z': 1, 'y': 2, 'z': 3}, {1: 2, 1.0: 3, True: 4}, {}, [], (), (1,), (1, 2)
d, users[0], none, true, 1.0, 'str', "it's", 'both \' and "', 'tab\t', '\x00\x7f\xa0é\u2028'
missing, missing | default('D'), '' | default('D'), '' | default('D', true), none | d('x', true), missing | length
missing is undefined, missing is defined, missing == missing, missing == none, [missing]
missing.x
missing + 1
missing()
none.x is undefined, none.x
none.x.y
d.append(1)
items.append(1)
d.update({})
items.pop()
d.__class__ is undefined, ''.__class__
''.__class__.__mro__
'abc'.upper(), 'ABC'.lower(), 'hello world'.title(), 'hELLO'.capitalize(), 'aBc'.swapcase()
text.upper(), text.lower(), 'ß'.upper(), 'ﬁx'.title(), 'ΑΣ ΑΣΑ'.lower(), "they're 3x".title()
'  x '.strip() ~ '|' ~ '  x '.lstrip() ~ '|' ~ '  x '.rstrip(), 'xxaxx'.strip('x'), 'äxä'.strip('ä'), 'abcba'.lstrip('ab')
'a,b,,c'.split(','), 'a b  c '.split(), 'a,b,c'.split(',', 1), 'a,b,c'.rsplit(',', 1), ' a  b c '.split(none, 1), ' a b '.rsplit(none, 1), ''.split(), ''.split(',')
'a\nb\r\nc\x0bd\u2028e\n'.splitlines(), 'a\nb\n'.splitlines(true), ''.splitlines()
'abc'.startswith('a'), 'abc'.startswith(('x', 'ab')), 'abc'.endswith('c'), 'abc'.startswith('b', 1), 'abc'.endswith('b', 0, 2)
'aXbX'.replace('X', '-'), 'aXbX'.replace('X', '-', 1), 'ab'.replace('', '-'), 'aa'.replace('a', 'aa')
'-'.join(['a', 'b']), ''.join([]), ','.join('abc'), ','.join(d)
'-'.join([1, 2])
'abcabc'.find('c'), 'abc'.find('z'), 'äbc'.find('c'), 'abcabc'.rfind('c'), 'abcabc'.index('b', 2), 'abcabc'.count('b'), 'aaa'.count('aa'), 'ab'.count('')
'abc'.index('z')
'12'.isdigit(), '²'.isdigit(), 'ab'.isalpha(), 'a1'.isalnum(), '½'.isnumeric(), '一'.isnumeric(), ' '.isspace(), 'AB'.isupper(), 'ab1'.islower(), ''.isdigit(), 'Ab Cd'.istitle(), '1'.isdecimal(), ''.isascii()
'5'.zfill(3), '-5'.zfill(4), 'a'.ljust(3) ~ '|', 'a'.rjust(3, '.'), 'a'.center(4, '*'), 'ab'.center(5, '*')
'prefix-x'.removeprefix('prefix-'), 'x.py'.removesuffix('.py'), 'a=b=c'.partition('='), 'a=b=c'.rpartition('='), 'abc'.partition('z'), 'a\tb'.expandtabs(4)
'{} {}'.format(1, 'x'), '{1}{0}'.format('a', 'b'), '{n:>5}|{n:<5}|{n:^5}|'.format(n='x'), '{:05d} {:+.2f} {:,} {:x} {:#b} {:e} {:%}'.format(42, 3.14159, 1234567, 255, 5, 12345.678, 0.5)
'{0.b} {0[a][1]} {x!r} {{}} {:{w}}|'.format(d, w=4, x='q') if false else '{0.b} {0[a][1]} {x!r} {{}}'.format(d, x='q')
'{:{w}}|{:.3}|{:g}|{:.2g}|{:_}|{:010,}|{:*^7}'.format(1, 'abcdef', 0.00001, 123.0, 1234567, 1234.5, 'mid', w=4)
'{}'.format()
'{a}'.format(b=1)
'%s %r %d %5.2f %-4s| %04d %x %% %c' % ('a', 'b', 3, 2.5, 'l', 7, 255, 'z'), '%(k)s' % {'k': 'v'}, '%s' % 'one', '%s' % [1]
'%d' % 'x'
'%é' % 1
'%s %s' % ('a',)
'%s' | format('x'), '%(a)d' | format(a=3), '%e %g %G' % (1234.5, 0.00001, 1e20)
items | sort, items | sort(reverse=true), names | sort, names | sort(case_sensitive=true), users | sort(attribute='age,name') | map(attribute='name') | list, users | sort(attribute='address.city', reverse=true) | map(attribute='name') | join(',')
[1, 'a'] | sort
items | min, items | max, names | min, [] | max is undefined, users | max(attribute='age')
items | sum, users | sum(attribute='age'), [[1], [2]] | sum(start=[]), [0.1, 0.2] | sum
items | first, items | last, [] | first is undefined, 'abc' | last, items | reverse | list, 'abc' | reverse, items | length, items | count
names | unique | list, names | unique(case_sensitive=true) | list, users | unique(attribute='age') | map(attribute='name') | list
users | groupby('age'), users | groupby('address.city') | map(attribute='grouper') | list, (users | groupby('age'))[0].list | length
users | map(attribute='name') | join(', '), names | map('upper') | list, users | map(attribute='zz', default='-') | list, items | map('string') | join
users | selectattr('age', 'equalto', 30) | map(attribute='name') | list, users | rejectattr('age', '>', 26) | list | length, items | select('odd') | list, items | reject('divisibleby', 2) | list, [0, 1, ''] | select | list, users | selectattr('zz') | list
items | batch(2) | list, items | batch(2, 'x') | list, [1, 2, 3, 4, 5] | slice(3) | list, [1, 2, 3, 4] | slice(3, 'x') | list
items | join('-'), items | join, users | join(',', attribute='name'), 'abc' | join('.')
'hello world-foo (bar)' | title, 'ABC def' | capitalize, 'x' | upper, 'X' | lower, ' x ' | trim, 'xxyxx' | trim('x'), 5 | string ~ 'a'
'a b c' | replace('b', 'B'), 'aaa' | replace('a', 'b', 2), 5 | replace(5, 6)
'a\nb\n\nc' | indent, 'a\nb' | indent(2, true), 'a\n\nb' | indent(1, blank=true), 'a\nb' | indent('> ')
'foo bar baz qux' | truncate(9), 'foo bar baz qux' | truncate(9, true), 'foo bar baz qux' | truncate(11), 'foo bar baz qux' | truncate(11, false, '...', 0), 'x' | truncate(3)
'The quick brown fox jumps over the well-known lazy dog' | wordwrap(10), 'averyveryverylongword x' | wordwrap(8), 'a b\nc d' | wordwrap(3, wrapstring='|')
'a b, c-d' | wordcount, 'x' | center(5) ~ '|', 1000 | filesizeformat, 1 | filesizeformat, 123456789 | filesizeformat, 123456789 | filesizeformat(true), 999 | filesizeformat
'42' | int, '4.7' | int, 'x' | int, 'x' | int(7), '0x1f' | int(0, 16), '1_0' | int, 3.9 | int, none | int, '-3' | int, ' 5 ' | int, true | int
'4.5' | float, 'x' | float, 'x' | float(1.5), 3 | float, '1e3' | float, 'inf' | float
2.5 | round, 3.5 | round, f | round(2), 42.55 | round(1, 'floor'), 42.51 | round(1, 'ceil'), 5 | round, 15 | round(-1), 25 | round(-1), -2.5 | round, 1234.5 | round(-2)
-5 | abs, -2.5 | abs, 'abc' | list, d | list, (1, 2) | list, range(3) | list
html | escape, html | e ~ '<', (html | e) + '<', '<' + ('<' | safe), html | safe, html | striptags, html | forceescape, 'a' | e is escaped, ('<b>' | safe) | upper, '%s' | safe | format('<'), ['<' | safe]
'a b/c&d=é' | urlencode, {'a b': 'c/d', 'e': 1} | urlencode, {'class': 'x', 'id': none, 'n': 5} | xmlattr
d | tojson, text | tojson, text | tojson(ensure_ascii=true), d | tojson(indent=2), d | tojson(separators=(',', ':')), {'b': 1, 'a': 2} | tojson(sort_keys=true), [] | tojson(indent=1), {'a': []} | tojson(indent=4), [1.0, 1e16, none, true] | tojson, {1: 2, none: 3, true: 4, 1.5: 5} | tojson, '\x7f\x1f</>&\'' | tojson
missing | tojson
range(3) | tojson
range(5), range(1, 10, 3) | list, range(5, 0, -2) | list, range(10)[2:5] | list, range(3) | length, 3 in range(5), range(0) | list, range(10)[-1]
range(100001)
d | attr('b') is undefined, 'x' | attr('upper') is defined, users | pprint
3 is odd, 4 is even, 9 is divisibleby 3, 9 is divisibleby(2), 1 is number, true is number, true is integer, 1 is integer, 1.0 is float, 'a' is string, [] is sequence, d is mapping, d is sequence, 1 is iterable, 'a' is iterable, missing is iterable, missing is sequence, none is none, 'a' is lower, 'A' is upper, true is true, false is false, 1 is true, 1 is boolean
1 is eq 1, 1 is equalto(2), 2 is gt 1, 1 is lessthan 2, 1 is ne 1, 1 is in [1, 2], 'upper' is filter, 'nope' is filter, 'odd' is test, 1 is not odd, range is callable, 1 is sameas 1, none is sameas none, 2 is ge 2, 2 is le 1
1 is nope
1 | nope
'a' * 3, 3 * 'ab', [1] * 2, 'a' * 0, 'a' * -1, (1,) * 2
'a' + 1
1 + 'a'
[1] + [2], (1,) + (2,)
[1] + (2,)
1 // 0
1 < 'a'
5.0 // 0
'a' in 5
dict(a=1, b=2), dict([('x', 1)]), dict({'q': 1}, z=2), dict()
namespace(a=1).a, namespace({'b': 2}).b, namespace(a=1)
namespace(_a=1)
cycler('a', 'b').next()
joiner(', ')() ~ 'x'
[1, 2].index(2), [1, 1].count(1), (1, 2).index(2)
{[]: 1}
[1, 2] | first + 1
'x' is string and 'y' is string or false
users | map('nope') | list
d.items() | first, d.values() | list | length, 'b' in d.keys(), d.keys()
strftime_now('%Y'), add_generation_prompt, messages | length, tools, documents
raise_exception('stop')
items | map(attribute='x') | list
1.is_integer is undefined
(1.0).is_integer(), 1.5.is_integer()
"{{ '}}' }}" ~ '{%' ~ "%}"
loop is undefined, caller is undefined
items.0, d.a.1
-items[0], +1, - -1, not -1
'abc'[1:][0], 'é'[0], 'abc'[1.5] is undefined, items['x'] is undefined, items[true], 'abc'['upper']()
"a" if "a" is string else "b" ~ "c"
none, none ~ '', [none, true, false]
1 if 2 else 3 + 4, (1 if 0 else 3) + 4
'%5s|%-5s|%05d|%+d|% d|%.1f|%10.3e|%#x' % ('a', 'b', 42, 5, 5, 2.25, 1234.5, 255)
"\U0001F642" ~ '\u00e4'
1 == 1 in [1], 2 > 1 == 1
d == {'b': 1, 'a': [1, 2.5, none, true], 'C': {'x': 'y'}, 'get': 5}, [1, [2]] == [1, [2]], 'a' == 1, {} == []
""".strip("\n")

TEMPLATES = [
    "{% if a %}x{% elif items %}y{% else %}z{% endif %}\n  {% if 1 %}\n  in\n  {% endif %}\nout\n",
    "a\n  {%- if true -%}  b  {%- endif -%}\n c {{- 1 -}} d {{ 2 }}\n\n",
    "  {%+ if true %}x{% endif +%}\ny {#- c -#} z {# c #}\nq\n  {# own line #}\nr{% if 1 %}\n\nx{% endif %}",
    "{% raw %}{{ x }} {% if %}{% endraw %}|\n  {%- raw -%}  a  {%- endraw -%}  b{% raw %}\nc{% endraw %}\nd",
    "{% for x in items %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}"
    "{{ loop.last }}{{ loop.length }}{{ loop.previtem }}|{{ loop.nextitem }}|{{ loop.cycle('a', 'b') }}{{ loop.depth }};{% endfor %}",
    "{% for x in [] %}a{% else %}empty{% endfor %}{% for x in items if x > 1 %}{{ x }}/{{ loop.length }}{% else %}none{% endfor %}",
    "{% for x in items if x > 5 %}{{ x }}{% else %}none{% endfor %}{% for k, v in d.items() %}{{ k }}={{ v }},{% endfor %}",
    "{% for x in tree recursive %}{{ loop.depth }}{{ x.n }}{% if x.c %}({{ loop(x.c) }}){% endif %}{% endfor %}",
    "{% for x in [1, 1, 2, 2] %}{{ loop.changed(x) }}{% endfor %}{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}",
    "{% for x in range(10) %}{% if x == 2 %}{% continue %}{% endif %}{% if x > 4 %}{% break %}{% endif %}{{ x }}{% endfor %}",
    "{% for x in [1] %}{% continue %}{% else %}e{% endfor %}{% for x in [1] %}{% break %}{% else %}e{% endfor %}",
    "{% set x = 1 %}{% for i in [1, 2] %}{{ x }}{% set x = 5 %}{{ x }}{% endfor %}{{ x }}",
    "{% set ns = namespace(n=0, l=[]) %}{% for i in items %}{% set ns.n = ns.n + i %}{% set ns.l = ns.l + [i] %}{% endfor %}{{ ns.n }}{{ ns.l }}{{ ns.zz is defined }}",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set t = 1, %}{{ t }}{% set ns = namespace() %}{% set ns.a, c = 3, 4 %}{{ ns.a }}{{ c }}",
    "{% set x %}a{{ 1 }}\n{% endset %}[{{ x }}]{% set y | upper | trim %} q {% endset %}[{{ y }}]",
    "{% macro m(a, b=2, c='x') %}{{ a }}{{ b }}{{ c }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1) }} {{ m(1, c=5) }} {{ m(1, 2, 3, 4, k=5) }}",
    "{% macro m(a, b=a) %}{{ a }}-{{ b }}{% endmacro %}{{ m(1) }}{{ m() }}{{ m.name }}{{ m.arguments }}{{ m }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(z=2) }}",
    "{% macro list(x) %}<{{ caller(x) }}>{% endmacro %}{% call(y) list(7) %}item {{ y }}{% endcall %}",
    "{% macro m() %}{{ caller is defined }}{% if caller %}{{ caller() }}{% endif %}{% endmacro %}{{ m() }}{% call m() %}c{% endcall %}",
    "{% filter upper %}abc {{ 'd' }}{% endfilter %}{% filter replace('a', 'b') | upper %}aXa{% endfilter %}",
    "{% with a = 1, b = 2 %}{{ a }}{{ b }}{% set a = 9 %}{{ a }}{% endwith %}{{ a is defined }}",
    "{% set a = 5 %}{% with b = a, a = 1 %}{{ b }}{{ a }}{% endwith %}{{ a }}",
    "{% generation %}{{ 1 }}{% set q = 2 %}{{ q }}{% endgeneration %}{{ q is defined }}",
    "{% macro f(n) %}{% if n > 0 %}{{ n }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(20) }}",
    "{% for i in items %}{{ names }}{% endfor %}{% set names = 1 %}{{ names }}",
    "{% macro m() %}{{ names }}{% endmacro %}{{ m() }}{% set names = 1 %}{{ m() }}",
    "{% if false %}{% set names = 1 %}{% endif %}{{ names }}{% if true %}{% set names = 2 %}{% endif %}{{ names }}",
    "{% for i in [1] %}{% if false %}{% set names = 1 %}{% endif %}{{ names }}{% set names = 3 %}{{ names }}{% endfor %}{{ names }}",
    "{% for x in items %}{% macro q() %}{{ x }}{{ loop.index }}{% endmacro %}{{ q() }}{% endfor %}",
    "{% set ns = namespace(stop=false) %}{% for x in [1, 2, 3] if not ns.stop %}{{ x }}{% set ns.stop = x == 2 %}{% endfor %}",
    "{% set g = items | map('string') %}{{ g | list }}{{ g | list }}{% set c = cycler(1, 2) %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ c.reset() }}",
    "{% set j = joiner('; ') %}{% for x in items %}{{ j() }}{{ x }}{% endfor %}",
    "{% print 1, 2 %}{% set x = [1, 2,] %}{{ x }}{{ {'a': 1,} }}{{ (1, 2,) }}",
    "{% for m in messages %}{{ m.role }}:{{ m['content'] }}{% if not loop.last %}, {% endif %}{% endfor %}",
    "{% for x in items %}{{ loop.index }}{% for y in 'ab' %}{{ loop.index }}{{ y }}{% endfor %}{{ loop.index }};{% endfor %}",
    "{{ 1 }}\r\n{% if 1 %}\r\nx\r\n{% endif %}\r\ny\n\n",
    "{{ x", "{% if x %}", "{% endif %}", "{% nope %}", "{{ 1 + }}", "{{ (1 }}", "{{ 'a }}", "{# x", "{% raw %}", "{% for x %}{% endfor %}",
    "{% break %}", "{% macro m() %}{% break %}{% endmacro %}", "{% set 1 = 2 %}", "{% set x.y = 1 %}", "{% for loop in items %}{% endfor %}",
    "{{ 1 | nope }}", "{% if false %}{{ 1 | nope }}{{ 1 is nope }}{% endif %}ok", "{% if true %}{{ 1 | nope }}{% endif %}",
    "{{ foo(a=1, 2) }}", "{{ foo(*[1], *[2]) }}", "{% set f = 'x' %}{{ f() }}", "{% for a, b in [(1, 2, 3)] %}{% endfor %}", "{% for a, b in [1] %}{% endfor %}",
    "{% macro m(a, b) %}{{ a }}{{ b }}{% endmacro %}{{ m(*[1, 2]) }}{{ m(**{'a': 3, 'b': 4}) }}{{ m(1, *[2]) }}",
    "{% for x in 5 %}{% endfor %}", "{{ [1, 2, 3] | length }}{{- ' ' -}}\n  {{ 'x' }}  \n{%- if true %}  y{% endif -%}   ",
    "{%- for x in items -%}\n  {{ x }},\n{%- endfor %}\n{% for x in items -%}\n  {{ x }}\n{% endfor %}\nend",
    "{% if 1 %}{# c #}{% endif %}\n\n{# a\nb #}\n{{ '{{' }}{{ \"#}\" }}{{ {'a': {'b': 1}}['a']['b'] }}",
    "{% set x = 'a' %}{% set x = x ~ 'b' %}{{ x }}{% set items = items + [9] %}{{ items }}",
    "{% set _ = items %}{{ _ }}{% set ns = namespace() %}{% set ns._x = 1 %}",
    "{% for x in items %}{% set y = x %}{% endfor %}{{ y is defined }}{% for c in 'né🙂' %}[{{ c }}]{% endfor %}",
    "{% for x in items recursive %}{{ x }}{% else %}none{% endfor %}{% for x in items %}{{ loop(1) }}{% endfor %}",
    "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}B{% endmacro %}{{ a() }}",
    "{% set caller = 3 %}{{ caller }}{% macro m(caller=1) %}{{ caller }}{% endmacro %}{{ m() }}",
]
