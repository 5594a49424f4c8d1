"""azure-cli's own code for security domains: the package security_domain and the functions of custom.py that make a restore
blob, unchanged. Its command line and its other parts are not loaded, so they need not be installed."""
import ast
import importlib.util
import pathlib
import sys
import types

from knack.util import CLIError


def load():
    """The functions of custom.py, as a module. The packages above them are stood in for: their own __init__ loads all of az."""
    site = pathlib.Path(next(iter(importlib.util.find_spec('azure').submodule_search_locations)))
    name, path = 'azure', site
    for part in (None, 'cli', 'command_modules', 'keyvault'):
        if part is not None:
            name, path = name + '.' + part, path / part
        package = types.ModuleType(name)
        package.__path__ = [str(path)]
        sys.modules[name] = package
    wanted = {'_security_domain_restore_blob', '_security_domain_make_restore_blob', '_security_domain_gen_share_arrays',
              '_security_domain_gen_blob'}
    tree = ast.parse((path / 'custom.py').read_text(encoding='utf-8'))
    tree.body = [node for node in tree.body
                 if (isinstance(node, ast.FunctionDef) and node.name in wanted) or
                 (isinstance(node, (ast.Import, ast.ImportFrom)) and is_needed(node))]
    az = types.ModuleType('az')
    az.RequiredArgumentMissingError = CLIError
    exec(compile(tree, 'custom.py', 'exec'), az.__dict__)
    assert wanted <= set(az.__dict__)
    return az


def is_needed(node):
    if isinstance(node, ast.Import):
        return all(alias.name in ('hashlib', 'json', 'os') for alias in node.names)
    return node.level == 0 and ('.security_domain.' in node.module or node.module.startswith('cryptography') or
                                node.module == 'knack.util')
