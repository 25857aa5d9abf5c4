import { type Binding, bindingSchema } from '@spillway/adapters';
import {
  flowSpecSchema,
  type PlanSpec,
  type Quotas,
  type Retention,
  routeSpecSchema,
  type ScheduleSpec,
  type SourceSpec,
  type TenantShare,
  type TenantSpec,
} from '@spillway/contracts';
import {
  completeDefinition,
  type Gathering,
  LIFECYCLE,
  listenedTypes,
  type PublishedFlow,
  startsOf,
} from '@spillway/flows';
import type { Log } from '@spillway/observability';
import { asPlatform, type Signals } from '@spillway/persistence';
import { compileRoute, type Route } from '@spillway/routing';
import { type Provider, providerNamed, type SourceSettings } from '@spillway/sources';
import { type Resources, shareOf, type StoredResource } from '@spillway/tenancy';

/** A source ready to take requests. */
export interface LiveSource {
  tenant: string;
  name: string;
  provider: Provider;
  settings: SourceSettings;
  spec: SourceSpec;
}

/** All that a tenant configured, ready for use. */
export interface LiveTenant {
  name: string;
  sources: Map<string, LiveSource>;
  routes: Route[];
  flows: Map<string, PublishedFlow>;
  /** Flows whose runs several events begin together. */
  gatherings: Map<string, Gathering>;
  /** Flows whose next run begins so long after the last one ended, milliseconds. */
  chains: Map<string, number>;
  /** Adapters as the tenant set them up. */
  bindings: Record<string, Binding>;
  /** Types of events that its flows may listen for. */
  listensFor: Set<string> | 'any';
  /** Whether a route or a flow asks for lifecycle events by name. */
  wantsLifecycle: boolean;
  schedules: Map<string, ScheduleSpec>;
  /** What it may have when there is more work than workers. */
  share: TenantShare;
  secrets: Record<string, string>;
  /** What an operator lets it call beyond everybody. */
  egressAllow: readonly string[];
  /** Its own, and where it has none its plan's. */
  quotas: Quotas;
  retention: Retention;
}

/** Events of these are made by the tenant's own services, or by ourselves. */
const OWN_SOURCES = ['api', 'schedule', 'flows'];

/** In case a signal was lost. */
const REFRESH_MS = 30_000;

/**
 * What tenants configured, in memory, so that an event costs no query. Told of changes by signal; while PostgreSQL is
 * away the last known state goes on serving.
 */
export class Directory {
  private tenants = new Map<string, LiveTenant>();
  private readonly changeListeners = new Set<() => void>();
  private timer?: NodeJS.Timeout;
  private stopListening?: () => void;
  private loading?: Promise<void>;
  private again = false;

  constructor(
    private readonly resources: Resources,
    private readonly signals: Signals,
    private readonly log: Log,
  ) {}

  async start(): Promise<void> {
    this.stopListening = this.signals.on((signal) => signal.kind === 'resources-changed' && void this.refresh());
    this.signals.onReconnect(() => void this.refresh());
    this.timer = setInterval(() => void this.refresh(), REFRESH_MS).unref();
    await this.load();
  }

  close(): void {
    clearInterval(this.timer);
    this.stopListening?.();
  }

  tenant(name: string): LiveTenant | undefined {
    return this.tenants.get(name);
  }

  source(tenant: string, name: string): LiveSource | undefined {
    return this.tenants.get(tenant)?.sources.get(name);
  }

  all(): Iterable<LiveTenant> {
    return this.tenants.values();
  }

  onChange(listener: () => void): void {
    this.changeListeners.add(listener);
  }

  /** Reads everything anew; calls during a read are answered by one more. */
  async refresh(): Promise<void> {
    if (this.loading) {
      this.again = true;
      return this.loading;
    }
    this.loading = asPlatform('directory', async () => {
      do {
        this.again = false;
        await this.load().catch((error: unknown) => this.log.warn({ err: error }, 'resources could not be read'));
      } while (this.again);
    });
    await this.loading;
    this.loading = undefined;
  }

  private async load(): Promise<void> {
    const tenants = new Map<string, LiveTenant>();
    const rows = await this.resources.listOpened();
    const plans = new Map<string, PlanSpec>(
      rows.flatMap(({ stored }) => (stored.kind === 'Plan' ? [[stored.name, stored.spec as PlanSpec]] : [])),
    );
    for (const { stored, secrets } of rows.filter((row) => row.stored.kind === 'Tenant')) {
      const spec = stored.spec as Partial<TenantSpec>;
      const plan = spec.plan === undefined ? undefined : plans.get(spec.plan);
      tenants.set(stored.name, {
        name: stored.name,
        sources: new Map(),
        routes: [],
        flows: new Map(),
        gatherings: new Map(),
        chains: new Map(),
        bindings: {},
        listensFor: new Set(),
        wantsLifecycle: false,
        schedules: new Map(),
        share: shareOf(stored.spec, plan),
        secrets,
        egressAllow: (stored.spec as TenantSpec).egress?.allow ?? [],
        quotas: { ...plan?.quotas, ...spec.quotas },
        retention: { ...plan?.retention, ...spec.retention },
      });
    }
    for (const { stored, secrets } of rows) {
      const tenant = tenants.get(stored.tenant);
      if (tenant) this.place(tenant, stored, secrets);
    }
    this.tenants = tenants;
    for (const listener of this.changeListeners) listener();
  }

  private placeFlow(tenant: LiveTenant, stored: StoredResource): void {
    const flow = completeDefinition(tenant.name, stored.name, flowSpecSchema.parse(stored.spec));
    tenant.flows.set(stored.name, flow);
    this.placeStarts(tenant, flow);
    const types = listenedTypes(flow.definition);
    if (types === 'any') tenant.listensFor = 'any';
    else if (tenant.listensFor !== 'any') for (const type of types) tenant.listensFor.add(type);
    if (types !== 'any' && [...types].some((type) => type.startsWith(LIFECYCLE))) tenant.wantsLifecycle = true;
  }

  /** Runs begin by the clock, by events, or because somebody with an API key asked: each is a route of its own. */
  private placeStarts(tenant: LiveTenant, flow: PublishedFlow): void {
    const { types, clock, matches, gathering, after } = startsOf(flow);
    const route = (suffix: string, match: Route['matches']): Route => ({
      tenant: tenant.name,
      name: `flow-${flow.name}-${suffix}`,
      targets: [{ flow: flow.name }],
      matches: match,
    });
    tenant.routes.push(route('start', (event, source) => types.includes(event.type) && OWN_SOURCES.includes(source)));
    if (matches) tenant.routes.push(route('on', (event) => matches(event as never)));
    if (gathering) tenant.gatherings.set(flow.name, gathering);
    if (after !== undefined) tenant.chains.set(flow.name, after);
    if (!clock) return;
    tenant.schedules.set(`flow-${flow.name}`, {
      enabled: true,
      timezone: 'UTC',
      ...clock,
      event: { type: types[1]!, subject: flow.name, data: {} },
    });
  }

  /** What cannot be used (written by a newer version, say) is told and left out; the rest goes on. */
  private place(tenant: LiveTenant, stored: StoredResource, secrets: Record<string, string>): void {
    try {
      if (stored.kind === 'Source') tenant.sources.set(stored.name, liveSource(stored, secrets));
      if (stored.kind === 'Route') {
        const spec = routeSpecSchema.parse(stored.spec);
        tenant.routes.push(compileRoute(tenant.name, stored.name, spec));
        if (spec.match.types?.some((type) => type.startsWith(LIFECYCLE))) tenant.wantsLifecycle = true;
      }
      if (stored.kind === 'Flow') this.placeFlow(tenant, stored);
      if (stored.kind === 'Adapter') {
        const { description: _, ...binding } = stored.spec;
        tenant.bindings[stored.name] = bindingSchema.parse(binding);
      }
      if (stored.kind === 'Schedule') tenant.schedules.set(stored.name, stored.spec as ScheduleSpec);
    } catch (error) {
      const about = { tenant: tenant.name, kind: stored.kind, name: stored.name };
      this.log.error({ ...about, err: error }, 'resource cannot be used');
    }
  }
}

function liveSource(stored: StoredResource, secrets: Record<string, string>): LiveSource {
  const spec = stored.spec as unknown as SourceSpec;
  const provider = providerNamed(spec.provider);
  if (!provider) throw new Error(`unknown provider ${spec.provider}`);
  const inOrder = Object.keys(secrets).sort((a, b) => Number(a) - Number(b));
  return {
    tenant: stored.tenant,
    name: stored.name,
    provider,
    settings: { secrets: inOrder.map((key) => secrets[key]!), options: provider.options.parse(spec.options) },
    spec,
  };
}
