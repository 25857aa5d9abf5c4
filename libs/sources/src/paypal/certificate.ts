import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';

const MOST_CERTIFICATES = 6;

/**
 * The header that names the certificate is not signed: anybody can put an address there. So it must be PayPal's.
 *
 * @returns what is wrong with it
 */
export function checkUrl(text: string, hosts: readonly string[]): string | undefined {
  const url = URL.parse(text);
  if (!url || url.protocol !== 'https:') return 'the certificate is not at an https address';
  if (url.username || url.password || url.port) return 'the address of the certificate has a user or a port';
  const known = hosts.some((host) => url.hostname === host || url.hostname.endsWith(`.${host}`));
  return known ? undefined : `the certificate is at ${url.hostname}, which is not PayPal's`;
}

/** Leaf first; empty for a text that holds none. */
export function parseChain(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.slice(0, MOST_CERTIFICATES).map((block) => new X509Certificate(block));
  } catch {
    return [];
  }
}

/** @returns what is wrong with the chain */
export function checkChain(
  chain: X509Certificate[],
  trusted: readonly string[],
  hosts: readonly string[],
  now: number,
): string | undefined {
  const leaf = chain[0];
  if (!leaf) return 'there is no certificate at the address';
  for (const one of chain) {
    if (Date.parse(one.validFrom) > now || Date.parse(one.validTo) < now)
      return 'a certificate is not valid at this time';
  }
  if (!namesOf(leaf).some((name) => hosts.some((host) => name === host || name.endsWith(`.${host}`)))) {
    return "the certificate is not for PayPal's name";
  }
  for (let index = 0; index + 1 < chain.length; index += 1) {
    if (!isSignedBy(chain[index]!, chain[index + 1]!) || !chain[index + 1]!.ca)
      return 'the chain of certificates is broken';
  }
  const last = chain.at(-1)!;
  const roots = [...trusted.flatMap(parseChain), ...systemRoots()];
  const rooted = roots.some((root) => root.fingerprint256 === last.fingerprint256 || isSignedBy(last, root));
  return rooted ? undefined : 'the certificate leads to no root that is trusted';
}

function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function namesOf(certificate: X509Certificate): string[] {
  const common = /(?:^|\n)CN=([^\n]+)/.exec(certificate.subject)?.[1];
  const alternative = [...(certificate.subjectAltName ?? '').matchAll(/DNS:([^,\s]+)/g)].map((match) => match[1]!);
  return [...(common ? [common] : []), ...alternative].map((name) => name.toLowerCase());
}

let roots: X509Certificate[] | undefined;

/** Parsed once: there are some 150. */
function systemRoots(): X509Certificate[] {
  return (roots ??= rootCertificates.map((pem) => new X509Certificate(pem)));
}
