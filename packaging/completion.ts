import {
  below,
  choicesOf,
  type Entry,
  flagsOf,
  nameOf,
  type ProgramHelp,
  takenBy,
} from './help.ts';
import type { Product } from './products.ts';

/** Completion for bash: commands, options, files, choices, and the names of services. */
export function bashCompletion(help: ProgramHelp, product: Product): string {
  const { daemon } = product;
  const commands = [...help.of].map(([name, { options }]) => {
    const offered = [flagList(options), ...below(name, help).map(lastOf)].join(' ');
    return `    '${name}') options='${offered}' ;;`;
  });
  const names = [...help.of.keys()];
  const nested = names.filter((name) => name.includes(' '));
  const plain = names.filter((name) => !name.includes(' '));
  return `# bash completion for ${daemon}, made from its --help

_${daemon}() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command= options= word
  COMPREPLY=()
  case $previous in
${help.options.filter(takesValue).map(bashValue).join('\n')}
  esac
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$command $word" in
${nested.map((name) => `    '${name}') command="$command $word"; continue ;;\n`).join('')}    esac
    case $word in
    ${plain.join('|')}) command=$word ;;
    esac
  done
  case "$command" in
${commands.join('\n')}
    *) options='${[flagList(help.options), ...plain].join(' ')}' ;;
  esac
  case "$command" in
    ${product.serviceCommands.map((name) => `'${name}'`).join('|')}) [[ $current == -* ]] || options=$(${servicesOf(product)}) ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
}
complete -F _${daemon} ${daemon}
`;
}

/** Completion for zsh, with what each command and option says of itself. */
export function zshCompletion(help: ProgramHelp, product: Product): string {
  const { daemon } = product;
  const commands = help.commands.map(
    ({ term, text }) => `    '${nameOf(term)}:${quoted(firstSentence(text))}'`,
  );
  const options = help.options.map((entry) => `    ${zshOption(entry)} \\`);
  const argumentsOf = (name: string) => {
    const { options = [] } = help.of.get(name) ?? {};
    const services = product.serviceCommands.includes(name)
      ? [`'1:service:_${daemon}_services'`]
      : [];
    return `_arguments ${[...options.map(zshOption), ...services].join(' ')}`;
  };
  const ofCommands = help.commands.map(({ term }) => {
    const name = nameOf(term);
    const names = below(name, help).map(lastOf);
    if (names.length === 0) return `    ${name}) ${argumentsOf(name)} ;;`;
    const each = names.map((one) => `      ${one}) ${argumentsOf(`${name} ${one}`)} ;;`);
    return `    ${name})
      _arguments -C '1:command:(${names.join(' ')})' '*::argument:->argument' && return
      case $line[1] in
${each.join('\n')}
      esac ;;`;
  });
  return `#compdef ${daemon}
# made from ${daemon} --help

_${daemon}_services() {
  local -a services
  services=(\${(f)"$(${servicesOf(product)})"})
  compadd -a services
}

_${daemon}_commands() {
  local -a commands
  commands=(
${commands.join('\n')}
  )
  _describe command commands
}

_${daemon}() {
  local curcontext=$curcontext state line
  _arguments -C \\
${options.join('\n')}
    '1:command:_${daemon}_commands' \\
    '*::argument:->argument' && return
  case $line[1] in
${ofCommands.join('\n')}
  esac
}

_${daemon} "$@"
`;
}

/** A shell command that prints the names of the running daemon's services; nothing where none runs. */
function servicesOf({ daemon }: Product): string {
  return `${daemon} status --json 2>/dev/null | sed -n '/^  "services": {/,/^  }/s/^    "\\(.*\\)": {$/\\1/p'`;
}

const takesValue = ({ term }: Entry) => takenBy(term) !== undefined;

const flagList = (entries: readonly Entry[]) =>
  entries.flatMap(({ term }) => flagsOf(term).filter((flag) => flag.startsWith('--'))).join(' ');

function bashValue(entry: Entry): string {
  const choices = choicesOf(entry);
  const kind = takenBy(entry.term) === 'file' ? '-f' : `-W '${choices.join(' ')}'`;
  return `    ${flagsOf(entry.term).join('|')}) mapfile -t COMPREPLY < <(compgen ${kind} -- "$current"); return ;;`;
}

function zshOption(entry: Entry): string {
  const flags = flagsOf(entry.term);
  const value = takenBy(entry.term);
  const choices = choicesOf(entry);
  const action = value === 'file' ? '_files' : choices.length > 0 ? `(${choices.join(' ')})` : ' ';
  const rest = `[${quoted(firstSentence(entry.text))}]${value === undefined ? '' : `:${value}:${action}`}`;
  return flags.length > 1
    ? `'(${flags.join(' ')})'{${flags.join(',')}}'${rest}'`
    : `'${flags[0]}${rest}'`;
}

/** The name of a command below another: of `policy show <service>` it is `show`. */
const lastOf = ({ term }: Entry) => term.split(' ')[1] ?? term;

const firstSentence = (text: string) => text.split(/\. |[.]$| \(|: /)[0] ?? '';

const quoted = (text: string) => text.replaceAll("'", "'\\''").replace(/[[\]:]/g, '\\$&');
