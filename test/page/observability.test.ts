import { access, readFile, writeFile } from 'node:fs/promises';

import { execa } from 'execa';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { startCopy } from '../support/copies.ts';
import { freePort } from '../support/ports.ts';
import { createScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { checked, createScene } from './scene.ts';

const folder = 'examples/observability';

interface Recorded {
  readonly record: string;
  readonly expr: string;
}
interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: Readonly<Record<string, string>>;
}
interface Panel {
  readonly id: number;
  readonly title: string;
  readonly type: string;
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly targets?: readonly { readonly expr: string }[];
}

const { groups } = parse(await readFile(`${folder}/alerts.yaml`, 'utf8')) as {
  groups: readonly { rules: readonly (Rule | Recorded)[] }[];
};
const all = groups.flatMap((group) => group.rules);
const rules = all.filter((rule) => 'alert' in rule);
const recorded = all.filter((rule) => 'record' in rule);
const dashboard = JSON.parse(await readFile(`${folder}/grafana/smartstack.json`, 'utf8')) as {
  uid: string;
  panels: readonly Panel[];
};
const plotted = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr }) => [title, expr] as const),
);

/** One that promises something, and whose members are ejected. */
const policy = { slo: { availability: '99.9%', latency: { p99: '300ms' } } };

/** What all three targets of a machine export: the metrics, and the labels of those that have samples. */
const exported = new Map<string, Set<string>>();

beforeAll(async () => {
  await using scene = await createScene();
  await using copy = await startCopy('web-1');
  const away = { hosts: [`127.0.0.1:${await freePort()}`] };
  // In two registries, one of which is away: the label `registry` is there then.
  const reporters = [
    { type: 'zookeeper', zk_hosts: away.hosts, zk_path: '/services/other' },
    { type: 'file', path: '/services/other' },
  ];
  const zookeeper = { method: 'zookeeper', hosts: away.hosts, path: '/services/other' };
  await scene.nerve({
    'web-1': checked('web', copy.port),
    'policed-1': checked('policed', copy.port),
    other: { ...checked('web', copy.port), path: undefined, reporters },
  });
  const stats = await freePort();
  await scene.synapse(
    { web: {}, other: { discovery: zookeeper }, policed: { protocol: 'http', policy } },
    {
      startup_timeout: 1,
      haproxy: { run_directory: scene.scratch.path('run'), stats_address: `127.0.0.1:${stats}` },
      // One that somebody else would run.
      envoy: { managed: false, run_directory: scene.scratch.path('run') },
    },
  );
  await until(async () => (await fetch(`http://127.0.0.1:${scene.portOf('web')}/`)).ok);
  await until(async () => (await fetch(`http://127.0.0.1:${scene.portOf('policed')}/`)).ok);
  const targets = [
    `${scene.pages.nerve}/metrics`,
    `${scene.pages.synapse}/metrics`,
    `http://127.0.0.1:${stats}/metrics?scope=frontend&scope=backend`,
  ];
  for (const target of targets) read(await (await fetch(target)).text());
});

test.each(rules.map((rule) => [rule.alert, rule.expr] as const))(
  'alert %s names only what the daemons export',
  (_, expr) => expectExported(expr),
);

test.each(recorded.map((rule) => [rule.record, rule.expr] as const))(
  'rule %s names only what the daemons export',
  (_, expr) => expectExported(expr),
);

test.each(plotted)('panel %s names only what the daemons export: %s', (_, expr) =>
  expectExported(expr),
);

describe('the alerts', async () => {
  const runbook = await readFile('docs/operations.md', 'utf8');
  const anchors = new Set(
    [...runbook.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading)),
  );
  /** The text under a heading, up to the next. */
  const under = (anchor: string) =>
    runbook.split(/^#+ /m).find((part) => anchorOf(part.split('\n', 1)[0] ?? '') === anchor) ?? '';

  test.each(rules)(
    '$alert has a heading in the runbook that names it',
    ({ alert, annotations, labels }) => {
      const [file, anchor = ''] = (annotations.runbook ?? '').split('#');
      expect(file).toBe('docs/operations.md');
      expect(anchors).toContain(anchor);
      expect(under(anchor)).toContain(`\`${alert}\``);
      expect(['critical', 'warning']).toContain(labels.severity);
      expect(annotations.summary).toBeTruthy();
      expect(annotations.description).toBeTruthy();
    },
  );

  test('no alert is in the runbook that there is no rule for', () => {
    const [, section = ''] = /^## Alerts: what to do\n([\s\S]*?)^## /m.exec(runbook) ?? [];
    const named = [...section.matchAll(/`((?:SmartStack|Nerve|Synapse|Haproxy)[A-Z]\w+)`/g)];
    expect(new Set(named.map(([, name]) => name))).toEqual(
      new Set(rules.map(({ alert }) => alert)),
    );
  });

  test('are rules that Prometheus takes, and fire when they should', async () => {
    await execa('promtool', ['check', 'rules', `${folder}/alerts.yaml`]);
    const tests = ['alerts.test.yaml', 'alerts.days.test.yaml'].map((file) => `${folder}/${file}`);
    await execa('promtool', ['test', 'rules', ...tests]);
    await execa('promtool', ['check', 'config', `${folder}/prometheus.yaml`]);
  });
});

describe('the dashboard', () => {
  test('has expressions that Prometheus takes', async () => {
    await using scratch = await createScratch();
    const filled = plotted.map(([, expr], index) => ({
      record: `panel:${index}`,
      expr: expr.replaceAll('$__rate_interval', '1m').replaceAll(/\$\w+/g, '.*'),
    }));
    const file = scratch.path('panels.yaml');
    await writeFile(file, JSON.stringify({ groups: [{ name: 'panels', rules: filled }] }));
    await execa('promtool', ['check', 'rules', file]);
  });

  test('has panels that do not cover one another', () => {
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)},${y + Math.floor(at / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    for (const { gridPos } of dashboard.panels)
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
  });
});

describe('the compose file', async () => {
  interface Service {
    readonly image: string;
    readonly networks: readonly string[];
    readonly ports: readonly string[];
    readonly volumes: readonly string[];
  }
  const read = async (path: string) => parse(await readFile(path, 'utf8')) as object;
  const { services } = (await read(`${folder}/docker-compose.yml`)) as {
    services: Readonly<Record<string, Service>>;
  };

  test('mounts what is here, publishes on the loopback, and is on the machines’ network', async () => {
    const { networks } = (await read('docker-compose.yml')) as { networks: object };
    for (const { image, networks: own, ports, volumes } of Object.values(services)) {
      expect(image).toMatch(/^[\w/]+:v?\d+\.\d+\.\d+$/);
      expect(own).toEqual(Object.keys(networks));
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
      for (const volume of volumes) await access(volume.split(':')[0] ?? '');
    }
  });

  test('has Prometheus ask the machines where they answer', async () => {
    const { scrape_configs: jobs } = (await read(`${folder}/prometheus.yaml`)) as {
      scrape_configs: readonly {
        job_name: string;
        static_configs: readonly { targets: readonly string[] }[];
      }[];
    };
    const synapse = (await read('examples/compose/synapse.yaml')) as {
      status_address: string;
      haproxy: { stats_address: string };
    };
    for (const machine of ['machine-1', 'machine-2']) {
      const nerve = (await read(`examples/compose/${machine}/nerve.yaml`)) as {
        status_address: string;
      };
      const addresses = {
        nerve: nerve.status_address,
        synapse: synapse.status_address,
        haproxy: synapse.haproxy.stats_address,
      };
      for (const { job_name: job, static_configs: targets } of jobs)
        expect(targets[0]?.targets).toContain(
          addresses[job as keyof typeof addresses].replace('0.0.0.0', machine),
        );
    }
  });

  test('is accepted by docker compose, where that is there', async () => {
    const compose = await execa('docker', ['compose', 'version'], { reject: false });
    if (compose.exitCode !== 0) return;
    const files = ['-f', 'docker-compose.yml', '-f', `${folder}/docker-compose.yml`];
    await execa('docker', ['compose', ...files, 'config', '--quiet']);
  });
});

/** Takes in Prometheus' text format: https://prometheus.io/docs/instrumenting/exposition_formats/. */
function read(text: string): void {
  for (const [, name = '', type] of text.matchAll(/^# TYPE (\S+) (\w+)$/gm)) {
    const parts = type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
    for (const part of parts)
      exported.set(`${name}${part}`, exported.get(`${name}${part}`) ?? new Set());
  }
  for (const [, name = '', labels = ''] of text.matchAll(/^(\w+)\{(.*)\} /gm))
    for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) exported.get(name)?.add(label);
}

/** What Prometheus gives itself. */
const given = new Set(['up', 'instance', 'job']);

function expectExported(expr: string): void {
  const named = [
    ...expr.matchAll(
      /\b((?:nerve|synapse|haproxy|zookeeper|smartstack|process)_\w+)(?:\{([^}]*)\})?/g,
    ),
  ];
  const others = [...expr.matchAll(/\bup\b/g), ...named.filter(isRecorded)];
  expect(named.length + others.length).toBeGreaterThan(0);
  for (const match of named) {
    const [, metric = '', selector = ''] = match;
    if (isRecorded(match)) continue;
    const labels = exported.get(metric);
    expect([metric, labels !== undefined]).toEqual([metric, true]);
    // Of what was not counted yet no labels are known.
    if (!labels?.size) continue;
    for (const [, label = ''] of selector.matchAll(/(\w+)\s*(?:=|!)/g))
      if (!given.has(label)) expect([...(labels ?? [])]).toContain(label);
  }
}

/** Whether a name is a part of a recorded one, `service:smartstack_…:rate5m`, which there has to be a rule for. */
function isRecorded({ index, input }: RegExpExecArray): boolean {
  if (input[index - 1] !== ':') return false;
  const [name] = /^\w+:\w+:\w+/.exec(input.slice(input.lastIndexOf('service', index))) ?? [];
  expect(recorded.map(({ record }) => record)).toContain(name);
  return true;
}

/** GitHub's way from a heading to its anchor. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}
