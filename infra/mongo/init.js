// Once, and again without harm: the replica set of three, and the one user that the services' stores belong to.
// mongosh --nodb --file init.js; passwords are read from files, since arguments can be read in the list of processes.
const fs = require("fs");
const secret = (name) => fs.readFileSync(`/run/secrets/${name}`, "utf8").trim();
const services = ["tracking", "registry", "trainer", "validator", "deployer", "monitor", "audit"];

const admin = new Mongo("mongodb://mongo-1:27017/?directConnection=true").getDB("admin");
admin.auth("root", secret("mongo_root_password"));

try {
  admin.adminCommand({ replSetGetStatus: 1 });
} catch (error) {
  if (error.codeName !== "NotYetInitialized") throw error;
  const members = [1, 2, 3].map((n) => ({ _id: n - 1, host: `mongo-${n}:27017`, priority: n === 1 ? 2 : 1 }));
  admin.adminCommand({ replSetInitiate: { _id: "rs0", members } });
}
while (!admin.hello().isWritablePrimary) sleep(200);

const user = {
  pwd: secret("mongo_password"),
  roles: services.map((name) => ({ role: "dbOwner", db: `murmur_${name}` })),
};
if (admin.getUser("murmur")) admin.updateUser("murmur", user);
else admin.createUser({ user: "murmur", ...user });
