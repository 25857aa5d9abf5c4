import { BadRequestError, nameSchema, newId } from '@spillway/contracts';
import type { LiveSource, Platform } from '@spillway/runtime';
import { z } from 'zod';
import { canSee } from '../access/principal';
import { endpoint, type Endpoint, notFound } from './endpoint';

export interface SignedSample {
  type: string;
  url: string;
  headers: Record<string, string>;
  body: string;
}

/** Signed samples for `spillway send`: made here, because here are the secrets. */
export function sampleEndpoints(platform: Platform, ingressUrl: () => string): Endpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: '/sources/{tenant}/{source}/samples',
      scope: 'sources:sign',
      action: 'source.sign',
      summary: 'Realistic requests as the provider would send and sign them, ready to be posted',
      params: z.object({ tenant: nameSchema, source: nameSchema }),
      body: z.strictObject({
        type: z.string().optional().describe("One of the provider's sample types; the first if left out."),
        count: z.number().int().min(1).max(1_000).default(1),
        seed: z.string().max(40).optional().describe('The same seed makes the same samples.'),
      }),
      handle: async ({ params, body, principal, note }) => {
        const source = canSee(principal, params.tenant)
          ? platform.directory.source(params.tenant, params.source)
          : undefined;
        if (!source) return notFound(`source "${params.source}" of tenant "${params.tenant}"`);
        note({ target: `Source/${params.source}`, details: { count: body.count } });
        const seed = body.seed ?? newId().replaceAll('-', '').slice(6, 26);
        const requests = Array.from({ length: body.count }, (_, index) =>
          signedSample(source, ingressUrl(), body.type, body.count === 1 ? seed : `${seed}${index}`),
        );
        return { types: source.provider.sampleTypes, requests };
      },
    }),
  ];
}

function signedSample(
  { provider, settings, spec, tenant, name }: LiveSource,
  base: string,
  type: string | undefined,
  seed: string,
): SignedSample {
  if (type !== undefined && !provider.sampleTypes.includes(type)) {
    throw new BadRequestError(`there is no sample "${type}" of ${provider.title}`, {
      code: 'sample-unknown',
      remedy: `There are: ${provider.sampleTypes.join(', ')}.`,
    });
  }
  const demo = provider.demoKeys();
  const isDemo =
    demo.secrets.length === settings.secrets.length &&
    demo.secrets.every((secret, index) => secret === settings.secrets[index]);
  if (demo.signingKey && !isDemo) {
    throw new BadRequestError(`${provider.title} signs with a private key that only it has`, {
      code: 'sample-unsignable',
      remedy: 'Samples of this provider can be signed for a source with the demo keys only.',
    });
  }
  const sample = provider.sample(type ?? provider.sampleTypes[0]!, seed);
  const keys = isDemo ? demo : { secrets: [...settings.secrets] };
  const path = `/v1/in/${tenant}/${name}`;
  const signed = provider.sign(sample, {
    url: spec.publicUrl ?? base + path,
    keys,
    options: settings.options,
    now: Date.now(),
  });
  const query = new URL(signed.url).search;
  return {
    type: sample.type,
    url: base + path + query,
    headers: { 'content-type': sample.contentType, ...sample.headers, ...signed.headers },
    body: signed.body,
  };
}
