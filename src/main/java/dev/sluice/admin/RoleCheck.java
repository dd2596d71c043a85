package dev.sluice.admin;

import io.vertx.core.http.HttpServerRequest;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.core.Response;
import org.jboss.resteasy.reactive.server.ServerRequestFilter;

/** Asks of each request the role that its resource needs. Called before the resource, on its thread. */
@ApplicationScoped
class RoleCheck {
    private static final int FORBIDDEN = 403;

    private final AdminAccount account;

    RoleCheck(AdminAccount account) {
        this.account = account;
    }

    /** @return null to go on, as of the others */
    @Reads
    @ServerRequestFilter
    Response reads(ContainerRequestContext request, HttpServerRequest socket) {
        return require(Role.READ, request, socket);
    }

    @Operates
    @ServerRequestFilter
    Response operates(ContainerRequestContext request, HttpServerRequest socket) {
        return require(Role.OPERATE, request, socket);
    }

    @Administers
    @ServerRequestFilter
    Response administers(ContainerRequestContext request, HttpServerRequest socket) {
        return require(Role.ADMIN, request, socket);
    }

    private Response require(Role needed, ContainerRequestContext request, HttpServerRequest socket) {
        if (!(request.getProperty(Access.ADMINISTRATOR) instanceof Administrator(var name, var role)))
            throw new IllegalStateException("a request that nobody has let in");
        if (role.covers(needed)) return null;
        var why = "this needs the role " + needed.text() + "; " + name + " has " + role.text();
        account.refused(name, socket, FORBIDDEN, why);
        return Problem.of(FORBIDDEN, why).response();
    }
}
