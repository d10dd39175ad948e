"""What a service calls of others: how it uses its `RpcProxy` attributes."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from fleet.contract.classes import Member, ServiceClass
from fleet.contract.modules import Modules

_STANDALONE = ("ClusterRpcProxy", "ServiceRpcProxy")  # of nameko.standalone.rpc and chassis.standalone
_PROXIES = ("chassis.rpc.RpcProxy", "chassis.rpc.client.RpcProxy", "nameko.rpc.RpcProxy")
# Whatever is given: the method is handed on, so only its name is known.
ANYHOW = {"positional": 0, "keywords": [], "unpacked_positional": True, "unpacked_keywords": True}


@dataclass(frozen=True)
class Proxy:
    """Another service, or a method of it, as an expression stands for it."""

    service: str
    method: str | None = None


@dataclass
class Calls:
    """The uses of other services: `made` by service and method, and those that can't be followed, `lost`."""

    made: dict[str, dict[str, list[dict]]] = field(default_factory=dict)
    lost: dict[str, list[str]] = field(default_factory=dict)

    def add(self, proxy: Proxy, site: dict) -> None:
        sites = self.made.setdefault(proxy.service, {}).setdefault(proxy.method, [])
        if site not in sites:
            sites.append(site)

    def lose(self, service: str, method: str) -> None:
        places = self.lost.setdefault(service, [])
        if method not in places:
            places.append(method)


def find(modules: Modules, service: ServiceClass, notes: list[str]) -> Calls:
    """All calls that the methods of a service make through its proxies."""
    proxies = _proxies(modules, service, notes)
    calls = Calls({name: {} for name in proxies.values()})
    if proxies:
        for method in service.methods.values():
            _Method(method, proxies, calls).read()
    notes += _standalone(modules, service)
    return calls


def _standalone(modules: Modules, service: ServiceClass) -> Iterator[str]:
    """Calls that go another way than through a proxy of the class."""
    for title, method in service.methods.items():
        made = [node.func for node in ast.walk(method.node) if isinstance(node, ast.Call)]
        found = [one.name.rpartition(".")[2] for node in made if (one := modules.find(method.module, node))]
        for name in sorted({*found} & {*_STANDALONE}):
            yield f"{title} calls through a {name} of its own, so what it calls there is not compared."


def _proxies(modules: Modules, service: ServiceClass, notes: list[str]) -> dict[str, str]:
    """Attribute to the service that it calls."""
    proxies = {}
    for name, member in service.attributes.items():
        match member.node:
            case ast.Call(func=function, args=args, keywords=keywords):
                found = modules.find(member.module, function)
                if found is None or found.name not in _PROXIES:
                    continue
                named = [one.value for one in keywords if one.arg == "target_service"]
                target = [modules.constant(member.module, one) for one in [*args, *named][:1]]
                if target and isinstance(target[0], str):
                    proxies[name] = target[0]
                else:
                    notes.append(f"Which service {name} calls can't be read from the source: give its name as text.")
    return proxies


class _Method:
    """One method's uses of proxies, as attributes of its first parameter or under a name of its own."""

    def __init__(self, method: Member, proxies: Mapping[str, str], calls: Calls):
        node, self._proxies, self._calls = method.node, proxies, calls
        self._nodes, self._title = list(ast.walk(node)), node.name
        self._parents = {child: parent for parent in self._nodes for child in ast.iter_child_nodes(parent)}
        parameters = [*node.args.posonlyargs, *node.args.args]
        decorators = {one.id for one in node.decorator_list if isinstance(one, ast.Name)}
        has_self = parameters and not decorators & {"staticmethod", "classmethod"}
        self._self = parameters[0].arg if has_self else None
        self._aliases: dict[str, Proxy] = {}

    def read(self) -> None:
        uses = [(node, proxy) for node in self._nodes if (proxy := self._own(node))]
        for node, proxy in uses:
            self._use(node, proxy)
        self._read_self()
        read = set()
        while names := set(self._aliases) - read:
            for name in names:
                self._read_alias(name)
            read |= names

    def _own(self, node: ast.AST) -> Proxy | None:
        """The proxy that `self.airports` is."""
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name == self._self:
                return Proxy(self._proxies[attribute]) if attribute in self._proxies else None
        return None

    def _read_self(self) -> None:
        """Whoever gets the service itself may call anything through it."""
        uses = [node for node in self._nodes if isinstance(node, ast.Name) and node.id == self._self]
        if not all(isinstance(self._parents[node], ast.Attribute) for node in uses):
            for service in self._proxies.values():
                self._calls.lose(service, self._title)

    def _read_alias(self, name: str) -> None:
        for node in self._nodes:
            if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load):
                self._use(node, self._aliases[name])

    def _use(self, node: ast.AST, proxy: Proxy) -> None:
        parent = self._parents[node]
        match parent:
            case ast.Attribute(attr=name, ctx=ast.Load()) if proxy.method is None:
                self._use(parent, Proxy(proxy.service, name))
            case ast.Call(func=function) if function is node and proxy.method:
                self._calls.add(proxy, _site(parent))
            case ast.Attribute(attr="call_async"):
                self._call(parent, proxy)
            case ast.Attribute(attr="using") if isinstance(self._parents[parent], ast.Call):
                self._use(self._parents[parent], proxy)
            case ast.Assign(targets=[ast.Name(id=name)]) if self._is_bound_once(name):
                self._aliases[name] = proxy
            case ast.Expr():
                pass
            case _ if proxy.method:
                self._calls.add(proxy, ANYHOW)
            case _:
                self._calls.lose(proxy.service, self._title)

    def _call(self, node: ast.AST, proxy: Proxy) -> None:
        parent = self._parents[node]
        called = isinstance(parent, ast.Call) and parent.func is node
        self._calls.add(proxy, _site(parent) if called else ANYHOW)

    def _is_bound_once(self, name: str) -> bool:
        stores = [node for node in self._nodes if isinstance(node, ast.Name) and node.id == name]
        parameters = [node.arg for node in self._nodes if isinstance(node, ast.arg)]
        return sum(not isinstance(node.ctx, ast.Load) for node in stores) == 1 and name not in parameters


def _site(call: ast.Call) -> dict:
    """How a call gives its arguments."""
    starred = [one for one in call.args if isinstance(one, ast.Starred)]
    return {
        "positional": len(call.args) - len(starred),
        "keywords": sorted(one.arg for one in call.keywords if one.arg),
        "unpacked_positional": bool(starred),
        "unpacked_keywords": any(one.arg is None for one in call.keywords),
    }
