import { below, type Entry, flagsOf, type Help, nameOf, type ProgramHelp } from './help.ts';
import type { Product } from './products.ts';

export interface ManualOptions {
  readonly product: Product;
  readonly version: string;
  /** The day that it is from: `2026-11-22`. */
  readonly date: string;
}

/** A man page in section 8, made of what the program says of itself. */
export function manualOf(help: ProgramHelp, { product, version, date }: ManualOptions): string {
  const { daemon, units } = product;
  return [
    `.TH ${daemon.toUpperCase()} 8 "${date}" "SmartStack ${version}" "System administration"`,
    section('NAME', `${daemon} \\- ${roff(product.summary)}`),
    section('SYNOPSIS', `.B ${daemon}\n[\\fIoptions\\fR] [\\fIcommand\\fR]`),
    section('DESCRIPTION', roff(help.description)),
    section('OPTIONS', list(help.options)),
    section(
      'COMMANDS',
      help.commands
        .flatMap((entry) => {
          const name = nameOf(entry.term);
          const more = below(name, help).map((each) =>
            commandOf(each, help.of.get(`${name} ${nameOf(each.term.slice(name.length + 1))}`)),
          );
          return [commandOf(entry, help.of.get(name)), ...more];
        })
        .join('\n'),
    ),
    section(
      'SIGNALS',
      list(Object.entries(product.signals).map(([term, text]) => ({ term, text }))),
    ),
    section('FILES', list(filesOf(product))),
    section('UNITS', units.map((unit) => `.B ${roff(unit)}`).join('\n.br\n')),
    section(
      'SEE ALSO',
      `.BR ${daemon === 'nerve' ? 'synapse' : 'nerve'} (8),\n.BR systemctl (1),\n.BR journalctl (1)`,
    ),
    '',
  ].join('\n');
}

function filesOf({ daemon, name }: Product): readonly Entry[] {
  return [
    { term: `/etc/${daemon}/${daemon}.yaml`, text: 'the configuration' },
    { term: `/etc/${daemon}/conf.d/*.yaml`, text: 'a service each, named after its file' },
    { term: `/var/lib/${daemon}/`, text: 'what outlives a restart' },
    {
      term: `/usr/share/doc/${name}/configuration.md`,
      text: 'every key of the configuration, with its default',
    },
  ];
}

function commandOf({ term, text }: Entry, help: Help | undefined): string {
  const told = (help?.arguments ?? []).filter((argument) => argument.text !== '');
  const more = [...told, ...(help ? own(help) : [])];
  return [
    `.TP\n.B ${roff(term)}`,
    roff([help?.description || text, help?.rest].filter(Boolean).join(' ')),
    ...(more.length > 0 ? ['.RS', list(more), '.RE'] : []),
  ].join('\n');
}

/** A command's options without the one that each has. */
function own({ options }: Help): readonly Entry[] {
  return options.filter(({ term }) => !flagsOf(term).includes('--help'));
}

const section = (title: string, text: string) => `.SH ${title}\n${text}`;

const list = (entries: readonly Entry[]) =>
  entries.map(({ term, text }) => `.TP\n.B ${roff(term)}\n${roff(text)}`).join('\n');

/** Text as roff prints it: nothing in it is a request. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('’', "'")
    .replace(/^([.'])/gm, '\\&$1');
}
