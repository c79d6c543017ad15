/** The colour of a state: as it should be, worth a look, broken, or not known yet. */
export type Tone = 'good' | 'warn' | 'bad' | 'idle';

/** A member of a service, or one of its checks. */
export interface PageRow {
  readonly title: string;
  /** Another name of it. */
  readonly name?: string;
  readonly state: string;
  readonly tone: Tone;
  /** The source that reported it. */
  readonly source?: string;
  /** When its state began, in milliseconds since 1970. */
  readonly since?: number;
  /** When it ends by itself. */
  readonly until?: number;
  readonly reason?: string;
}

export interface PageService {
  readonly name: string;
  readonly tone: Tone;
  /** A few words: `4 of 5 up`. */
  readonly state: string;
  /** Its address. */
  readonly place: string;
  readonly since?: number;
  readonly reason?: string;
  /** Further facts, each a label with a value. */
  readonly facts: readonly (readonly [label: string, value: string])[];
  readonly rows: readonly PageRow[];
  /** How many rows are not among `rows`. */
  readonly hidden: number;
  /** What each plot shows of it, where that is not what it shows of others; null for one that it has not. */
  readonly plots?: readonly (PlotName | null)[];
}

/** What a plot is called, and what exactly it shows. */
export type PlotName = Pick<PagePlot, 'label' | 'hint' | 'percentiles'>;

/** A problem, shown at the top. */
export interface PageNotice {
  readonly tone: 'warn' | 'bad';
  readonly title: string;
  readonly text: string;
  /** The service that it is about. */
  readonly service?: string;
  readonly since?: number;
  /** When it ends by itself. */
  readonly until?: number;
}

/** All that a daemon shows at one moment. */
export interface PageView {
  /** Facts about the whole daemon: label, value and colour. */
  readonly facts: readonly (readonly [label: string, value: string, tone: Tone])[];
  readonly notices: readonly PageNotice[];
  readonly services: readonly PageService[];
}

/** Something that happened. */
export interface PageEvent {
  readonly id: number;
  /** In milliseconds since 1970. */
  readonly at: number;
  readonly kind: string;
  readonly tone: Tone;
  readonly service?: string;
  readonly text: string;
}

/** A time series that each service has. */
export interface PagePlot {
  readonly label: string;
  readonly unit: '/s' | 'ms';
  /** What exactly is plotted. */
  readonly hint: string;
  readonly tone: 'plain' | 'bad' | 'time';
  /** What the percentiles are of, where they are shown. */
  readonly percentiles?: string;
  /** Whether it is drawn only where a service is open, and has no column of its own. */
  readonly isDetail?: boolean;
}

/** Numbers of one moment, by service, in the order of the plots; null where there is none. */
export interface PageSample {
  readonly at: number;
  readonly values: Readonly<Record<string, readonly (number | null)[]>>;
}

/** What does not change while a daemon runs. */
export interface PageAbout {
  readonly daemon: string;
  /** Which one it is: the machine's name, or the instance's. */
  readonly instance: string;
  readonly version: string;
  /** What its services' rows are: `member`. */
  readonly row: string;
  readonly plots: readonly PagePlot[];
  readonly started: number;
}

/** A message to the page: everything when it has an `about`, else only what changed. */
export interface PageMessage {
  /** The daemon's clock. */
  readonly now: number;
  readonly about?: PageAbout;
  readonly facts?: PageView['facts'];
  readonly notices?: readonly PageNotice[];
  /** The services' names, in order; others are gone. */
  readonly order?: readonly string[];
  readonly services?: readonly PageService[];
  readonly events?: readonly PageEvent[];
  readonly samples?: readonly PageSample[];
}
