package dev.sluice.admin;

import dev.sluice.store.StoreUnavailable;
import io.smallrye.mutiny.Uni;
import io.vertx.core.http.HttpServerRequest;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.core.Response;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jboss.resteasy.reactive.server.ServerRequestFilter;

/**
 * Lets in who may administer: with a token, who has a good one; where none is configured, also who is on this machine. Called on event loops,
 * before any resource; asks PostgreSQL and issuers on virtual threads. Made with the first request, as filters are built before the
 * configuration is read.
 */
@ApplicationScoped
class Access {
    /** The property of a request that holds its {@link Administrator}. */
    static final String ADMINISTRATOR = "dev.sluice.administrator";

    private static final String SCHEME = "bearer ";
    private static final int UNAUTHORIZED = 401;
    private static final int FORBIDDEN = 403;
    private static final int UNAVAILABLE = 503;
    /** Requests whose tokens are judged at a time: strangers must not take all connections to PostgreSQL. */
    private static final int JUDGED = 4;

    private static final int PATIENCE_SECONDS = 5;
    private static final List<String> OWN_NAMES = List.of("localhost", "127.0.0.1", "::1", "[::1]");
    private static final Set<String> MARKS_OF_PROXIES = Set.of("via", "x-real-ip");
    private static final String SET_IT = "; set sluice.admin.token, and send it as Authorization: Bearer <token>";

    private final Administrators administrators;
    private final AdminAccount account;
    private final Problems problems = new Problems();
    private final Semaphore turns = new Semaphore(JUDGED);

    Access(Administrators administrators, AdminAccount account) {
        this.administrators = administrators;
        this.account = account;
    }

    /** @return an item that is null to go on */
    @ServerRequestFilter(preMatching = true)
    Uni<Response> check(ContainerRequestContext request, HttpServerRequest socket) {
        var given = request.getHeaderString("Authorization");
        if (given == null && administrators.areUnnamed()) {
            var strange = stranger(request, socket);
            if (strange.isPresent()) return done(refused(socket, Problem.of(FORBIDDEN, strange.get() + SET_IT)));
            return done(admitted(request, Administrator.UNNAMED));
        }
        if (given == null || !given.toLowerCase(Locale.ROOT).startsWith(SCHEME))
            return done(refused(
                    socket, Problem.of(UNAUTHORIZED, "this needs Authorization: Bearer <token of an administrator>")));
        var bearer = given.substring(SCHEME.length()).strip().getBytes(StandardCharsets.UTF_8);
        if (administrators.isConfigured(bearer)) return done(admitted(request, Administrator.UNNAMED));
        return Uni.createFrom().emitter(answer -> Thread.ofVirtual()
                .name("sluice-admin-access")
                .start(() -> answer.complete(judged(request, socket, bearer))));
    }

    private static Uni<Response> done(Response response) {
        return Uni.createFrom().item(response);
    }

    private Response judged(ContainerRequestContext request, HttpServerRequest socket, byte[] bearer) {
        try {
            if (!turns.tryAcquire(PATIENCE_SECONDS, TimeUnit.SECONDS))
                return Problem.of(UNAVAILABLE, "too many tokens are being judged; try again")
                        .response();
            try {
                return admitted(request, administrators.judge(bearer));
            } finally {
                turns.release();
            }
        } catch (InterruptedException bug) {
            return problems.broken(bug);
        } catch (Problem refused) {
            return refused(socket, refused);
        } catch (StoreUnavailable away) {
            return problems.unavailable(away);
        } catch (RuntimeException bug) {
            return problems.broken(bug);
        }
    }

    /** Who has a name acts under it, whatever the request says; that is added. */
    private static Response admitted(ContainerRequestContext request, Administrator administrator) {
        request.setProperty(ADMINISTRATOR, administrator);
        if (administrator.name() == null) return null;
        var said = request.getHeaderString(Actor.HEADER);
        var actor = said == null || said.isBlank() ? administrator.name() : administrator.name() + " for " + said;
        request.getHeaders().putSingle(Actor.HEADER, actor);
        return null;
    }

    private Response refused(HttpServerRequest socket, Problem problem) {
        var response = problem.response();
        account.refused(socket.remoteAddress().hostAddress(), socket, response.getStatus(), problem.getMessage());
        return response;
    }

    /** Why a request may come from elsewhere; what a proxy on this machine passes on looks like one of this machine. */
    private static Optional<String> stranger(ContainerRequestContext request, HttpServerRequest socket) {
        if (!isLoopback(socket.remoteAddress().hostAddress()))
            return Optional.of("without a token, only requests of this machine are answered");
        for (var header : request.getHeaders().keySet()) {
            var name = header.toLowerCase(Locale.ROOT);
            if (name.equals("forwarded") || name.startsWith("x-forwarded-") || MARKS_OF_PROXIES.contains(name))
                return Optional.of(
                        "without a token, no request is answered that a proxy has passed on (" + header + ")");
        }
        // A name that somebody else has led to this machine: a web page may ask for it in a browser that runs here.
        if (socket.authority() == null || !OWN_NAMES.contains(socket.authority().host()))
            return Optional.of("without a token, only requests for localhost, 127.0.0.1 or [::1] are answered");
        // A browser sends a request of any page, and only keeps the answer from it.
        var origin = request.getHeaderString("Origin");
        if (origin != null && !origin.endsWith("://" + socket.authority()))
            return Optional.of("without a token, no page of another site is answered (Origin)");
        return Optional.empty();
    }

    private static boolean isLoopback(String address) {
        if (address == null) return false;
        try {
            return InetAddress.getByName(address).isLoopbackAddress();
        } catch (UnknownHostException _) {
            return false;
        }
    }
}
