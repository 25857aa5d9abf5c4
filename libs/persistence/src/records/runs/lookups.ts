import type { Vault } from '../../vault/vault';
import type { Lookup } from './run-rows';

/** A lookup as a row of `run_listens` has it; empty text stands for what is left out. */
export interface Indexed {
  type: string;
  /** The key that the digest is made with, where payloads are sealed, and the recipe. */
  recipe: string;
  digest: string;
}

/** Makes the key of an event under a recipe; undefined when no listener of that can mean it. */
export type KeyOf = (recipe: string) => string | undefined;

/** The tenant must be `ready`. */
export function indexed(vault: Vault, tenant: string, { type = '', recipe, key }: Lookup): Indexed {
  if (recipe === undefined || key === undefined) return { type, recipe: '', digest: '' };
  const keyId = vault.seals ? vault.keyId(tenant) : '';
  return { type, recipe: `${keyId} ${recipe}`, digest: vault.digest(keyId, [tenant, 'listens'], key)! };
}

/** By which rows of these recipes an event is found. @throws TransientError `keys-unavailable` */
export async function findable(
  vault: Vault,
  tenant: string,
  recipes: readonly Pick<Indexed, 'type' | 'recipe'>[],
  keyOf: KeyOf,
): Promise<Indexed[]> {
  const keyIds = new Set(recipes.map(({ recipe }) => recipe.slice(0, recipe.indexOf(' '))));
  await vault.know([...keyIds]);
  return recipes.flatMap(({ type, recipe }) => {
    const space = recipe.indexOf(' ');
    const key = keyOf(recipe.slice(space + 1));
    // Under a key that was destroyed: the run that listens cannot be read by anybody.
    const digest = key === undefined ? undefined : vault.digest(recipe.slice(0, space), [tenant, 'listens'], key);
    return digest === undefined ? [] : [{ type, recipe, digest }];
  });
}
