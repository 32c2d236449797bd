"""What tests do with a vCenter of the practice environment, through pyVmomi's own client."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Callable
from typing import Any

from app.lab.vcenter.server import VCenterServer
from app.lab.vcenter.soap import vim, vmodl

KEEPER, AUDITOR, CLERK = "PRACTICE\\viewkeeper", "PRACTICE\\auditor", "PRACTICE\\clerk"
Collector: Any = vmodl.query.PropertyCollector
Connect = Callable[..., "Client"]
Change = Callable[..., None]


class Client:
    """What tests do with a vCenter, beside pyVmomi's calls."""

    def __init__(self, server: VCenterServer, service: Any, stub: Any) -> None:
        self.server, self.service, self.stub = server, service, stub
        self.content = service.RetrieveContent()

    def spec(self, kind: Any, *paths: str, whole: bool = False) -> Any:
        """A filter over everything of a kind."""
        view = self.content.viewManager.CreateContainerView(self.content.rootFolder, [kind], True)
        step = Collector.TraversalSpec(type=vim.view.ContainerView, path="view", skip=False)
        return Collector.FilterSpec(
            propSet=[Collector.PropertySpec(type=kind, pathSet=list(paths), all=whole)],
            objectSet=[Collector.ObjectSpec(obj=view, skip=True, selectSet=[step])],
        )

    def list(self, kind: Any, *paths: str, whole: bool = False) -> dict[str, Any]:
        """The names of properties and values of everything of a kind, by moid."""
        found = self.content.propertyCollector.RetrieveContents([self.spec(kind, *paths, whole=whole)])
        return {one.obj._moId: {each.name: each.val for each in one.propSet} for one in found}

    def at(self, reference: Any, *paths: str) -> Any:
        """The ObjectContent of one object."""
        spec = Collector.FilterSpec(
            propSet=[Collector.PropertySpec(type=type(reference), pathSet=list(paths))],
            objectSet=[Collector.ObjectSpec(obj=reference)],
        )
        return self.content.propertyCollector.RetrieveContents([spec])[0]

    def vm(self, name: str) -> Any:
        found = self.list(vim.VirtualMachine, "name")
        moid = next(moid for moid, values in found.items() if values["name"] == name)
        return vim.VirtualMachine(moid, self.stub)

    def get(self, path: str, cookie: str | None = None) -> tuple[int, bytes]:
        """A file over HTTPS, with the session's cookie unless another is given."""
        connection = http.client.HTTPSConnection("127.0.0.1", self.server.port, context=trusting(self.server))
        try:
            given = self.stub.cookie if cookie is None else cookie
            connection.request("GET", path, headers={"Cookie": given.partition(";")[0]})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def trusting(server: VCenterServer) -> ssl.SSLContext:
    certificate, _ = server.lab.certificates.of(server.system)
    context = ssl.create_default_context(cafile=str(certificate))
    context.check_hostname = False
    return context
