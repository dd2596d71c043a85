package dev.sluice.conformance;

import static dev.sluice.conformance.Admin.ROUTES;
import static dev.sluice.conformance.TokenIT.ISSUER;
import static dev.sluice.conformance.TokenIT.port;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.nimbusds.jwt.JWTClaimsSet;
import dev.sluice.access.token.TestIssuer;
import dev.sluice.support.Gateway;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** What administrators may do by their roles, and whose tokens are good. */
abstract class AdminRoleCases {
    private static final String TOKENS = "/admin/tokens";
    private static final String RULES = "/admin/access/rules";
    private static final String ROUTE = "{'filter': 'roles/{x}', 'kafkaTopic': 'wire.talk'}";
    private static final String RULE =
            "{'subject': 'user:roles', 'effect': 'deny', 'actions': ['publish'], 'filter': 'roles/#'}";

    @AfterAll
    static void clear() {
        for (var table : List.of("admin_token", "route", "access_rule"))
            Gateway.shared().execute("DELETE FROM " + table);
    }

    private static Admin with(String token, String... more) {
        var headers = new String[more.length + 2];
        headers[0] = "Authorization";
        headers[1] = "Bearer " + token;
        System.arraycopy(more, 0, headers, 2, more.length);
        return new Admin(port, headers);
    }

    private static Admin first() {
        return with("secret");
    }

    private static String made(String name, String role) {
        var answer = first().post(TOKENS, "{'name': '" + name + "', 'role': '" + role + "', 'days': 1}");
        assertThat(answer.status()).isEqualTo(201);
        return answer.body().path("token").asText();
    }

    private static String audit(String object) {
        return Gateway.shared()
                .query(
                        "SELECT string_agg(concat_ws(' ', actor, action), ', ' ORDER BY id) FROM v_audit WHERE object = ?",
                        object);
    }

    @Test
    void aRoleDecides() {
        assertMay(with(made("reader", "read")), 1);
        assertMay(with(made("operator", "operate")), 2);
        assertMay(with(made("boss", "admin")), 3);
        assertMay(with(ofCorp(List.of("sluice-read", "other"))), 1);
        assertMay(with(ofCorp(List.of("sluice-read", "sluice-operate"))), 2);
        assertMay(with(ofCorp("sluice-admin")), 3);
    }

    /** @param grade 1 to read, 2 to operate, 3 for all */
    private static void assertMay(Admin admin, int grade) {
        assertThat(admin.get(ROUTES).status()).isEqualTo(200);
        assertThat(admin.get("/admin/sessions").status()).isEqualTo(200);
        assertThat(admin.get(RULES).status()).isEqualTo(200);
        assertThat(admin.get("/admin/credentials").status()).isEqualTo(200);
        assertThat(admin.get("/admin/audit").status()).isEqualTo(200);
        assertThat(admin.post(ROUTES + "/evaluate", "{'clientId': 'c', 'topic': 'a'}")
                        .status())
                .isEqualTo(200);
        assertThat(admin.put(ROUTES + "/roles", ROUTE).status())
                .isIn(grade > 1 ? new Integer[] {200, 201} : new Integer[] {403});
        assertThat(admin.delete("/admin/sessions/nobody").status()).isEqualTo(grade > 1 ? 404 : 403);
        assertThat(admin.get("/admin/nodes").status()).isEqualTo(200);
        assertThat(admin.post("/admin/nodes/nobody/drain", "{}").status()).isEqualTo(grade > 1 ? 404 : 403);
        assertThat(admin.delete("/admin/nodes/nobody/drain").status()).isEqualTo(grade > 1 ? 404 : 403);
        assertThat(admin.put("/admin/traces?client=roles", "{}").status()).isEqualTo(grade > 1 ? 200 : 403);
        assertThat(admin.put(RULES + "/roles", RULE).status())
                .isIn(grade > 2 ? new Integer[] {200, 201} : new Integer[] {403});
        assertThat(admin.post("/admin/credentials", "{'username': ''}").status())
                .isEqualTo(grade > 2 ? 422 : 403);
        assertThat(admin.delete("/admin/credentials/nobody").status()).isEqualTo(grade > 2 ? 404 : 403);
        assertThat(admin.get(TOKENS).status()).isEqualTo(grade > 2 ? 200 : 403);
        var more = admin.post(TOKENS, "{'name': 'no/name', 'role': 'admin'}");
        assertThat(more.status()).isEqualTo(grade > 2 ? 422 : 403);
        if (grade < 3) assertThat(more.detail()).contains("needs the role admin");
    }

    private static JWTClaimsSet.Builder corp(Object roles) {
        return TestIssuer.claims("ann").audience("sluice-admin").claim("realm_access", Map.of("roles", roles));
    }

    private static String ofCorp(Object roles) {
        return ISSUER.sign(corp(roles).build());
    }

    @Test
    void aTokenIsKeptHashedAndCanBeWithdrawn() {
        var token = made("short", "operate");
        assertThat(token).matches("sla_[A-Za-z0-9_-]{43}");
        assertThat(with(token, "X-Sluice-Actor", "bob")
                        .put(ROUTES + "/short", ROUTE)
                        .status())
                .isEqualTo(201);
        assertThat(audit("route/short")).isEqualTo("token short for bob create");
        var all = first().get(TOKENS).body().toString();
        assertThat(all).contains("\"short\"").doesNotContain(token.substring(4));
        assertThat(Gateway.shared().query("SELECT admin_token::text FROM admin_token WHERE name = ?", "short"))
                .doesNotContain(token.substring(4));
        assertThat(first().post(TOKENS, "{'name': 'short', 'role': 'admin'}").status())
                .isEqualTo(409);
        assertThat(first().delete(TOKENS + "/short", "X-Sluice-Actor", "eve").status())
                .isEqualTo(204);
        assertThat(with(token).get(ROUTES).status()).isEqualTo(401);
        assertThat(first().delete(TOKENS + "/short").status()).isEqualTo(404);
        assertThat(audit("admin-token/short")).isEqualTo("127.0.0.1 create, eve delete");
        var expired = made("expired", "admin");
        assertThat(with(expired).get(ROUTES).status()).isEqualTo(200);
        Gateway.shared().execute("UPDATE admin_token SET expires_at = now() WHERE name = 'expired'");
        assertThat(with(expired).get(ROUTES).status()).isEqualTo(401);
    }

    @Test
    void whatIsWrongWithARequestIsSaid() {
        assertThat(first().post(TOKENS, "{'name': 'x', 'role': 'root'}").pointers())
                .isEqualTo("/role");
        assertThat(first().post(TOKENS, "{'name': 'x', 'role': 'read', 'days': 367}")
                        .pointers())
                .isEqualTo("/days");
        assertThat(first().post(TOKENS, "{'name': '', 'role': 'read'}").pointers())
                .isEqualTo("/name");
        assertThat(first().post(TOKENS, "{'name': 'x', 'role': 'read', 'token': 'own'}")
                        .pointers())
                .isEqualTo("/token");
    }

    @Test
    void noOthersTokenIsGood() {
        var bad = List.of(
                ISSUER.token("ann"), // a device's
                ISSUER.sign(corp("sluice-admin")
                        .expirationTime(Date.from(Instant.now().minusSeconds(1)))
                        .build()),
                TestIssuer.sign(
                        TestIssuer.key("first"), "first", corp("sluice-admin").build()),
                ISSUER.sign(corp("sluice-admin").issuer("https://other.example").build()),
                "sla_" + "A".repeat(43),
                "slt_" + "A".repeat(43),
                "' OR 1=1 --",
                "secret2");
        for (var token : bad)
            assertThat(with(token).get(ROUTES).status()).as(token).isEqualTo(401);
        for (var roles : List.of("admin", "sluice-root", "sluice-", List.of()))
            assertThat(with(ofCorp(roles)).get(ROUTES).status())
                    .as(roles.toString())
                    .isEqualTo(403);
        assertThat(new Admin(port).get(ROUTES).status()).isEqualTo(401);
    }

    @Test
    void refusalsAreWrittenDown() {
        var reader = with(made("audited", "read"));
        for (int i = 0; i < 50; i++) new Admin(port).get("/admin/routes/audited");
        reader.delete(ROUTES + "/audited");
        await().untilAsserted(() -> {
            assertThat(Gateway.shared()
                            .query(
                                    "SELECT sum((after ->> 'requests')::int) FROM v_audit WHERE object = ?",
                                    "request/GET /admin/routes/audited"))
                    .isEqualTo("50");
            assertThat(audit("request/DELETE /admin/routes/audited")).isEqualTo("token audited refuse");
        });
        assertThat(Gateway.shared()
                        .query("SELECT count(*) FROM v_audit WHERE object = ?", "request/GET /admin/routes/audited"))
                .satisfies(rows -> assertThat(Integer.parseInt(rows)).isLessThan(10));
        assertThat(Gateway.get(port, "/q/metrics").body())
                .containsPattern("sluice_admin_refused_total\\{.*status=\"401\"");
    }
}
