// Edits of files that a generator shares with everybody. Each fails loudly when the file is not as it expects.
'use strict';

/** Puts text before or after a marker that must be there once. */
function insert(tree, file, marker, text, where = 'before') {
  const content = tree.read(file, 'utf8');
  const parts = content.split(marker);
  if (parts.length !== 2)
    throw new Error(
      `${file} is not as this generator expects it: "${marker.trim()}" is there ${parts.length - 1} times`,
    );
  tree.write(file, where === 'before' ? parts.join(text + marker) : parts.join(marker + text));
}

/** pascal-case, camelCase, Title Case of a dashed name. */
function names(name) {
  const words = name.split('-');
  const title = words.map((word) => word[0].toUpperCase() + word.slice(1));
  return { name, camel: words[0] + title.slice(1).join(''), pascal: title.join(''), title: title.join(' ') };
}

module.exports = { insert, names };
