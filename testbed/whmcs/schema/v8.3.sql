-- The tables of a WHMCS 8.3 database as far as a migration reads them, written from public descriptions of
-- their columns (fleio/whmcs2fleio models, Skynet-IDC/skynetidc-client entities, WHMCS developer documentation).
-- No foreign keys and zero dates as defaults: as in the original. Load with sql_mode=''.

-- Clients and users

CREATE TABLE tblclients (
  id int(10) NOT NULL AUTO_INCREMENT,
  uuid varchar(255) NOT NULL DEFAULT '',
  firstname text NOT NULL,
  lastname text NOT NULL,
  companyname text NOT NULL,
  email text NOT NULL,
  address1 text NOT NULL,
  address2 text NOT NULL,
  city text NOT NULL,
  state text NOT NULL,
  postcode text NOT NULL,
  country text NOT NULL,
  phonenumber text NOT NULL,
  tax_id varchar(128) NOT NULL DEFAULT '',
  password text NOT NULL,
  authmodule text NOT NULL,
  authdata text NOT NULL,
  currency int(10) NOT NULL,
  defaultgateway text NOT NULL,
  credit decimal(16,2) NOT NULL,
  taxexempt tinyint(1) NOT NULL,
  latefeeoveride tinyint(1) NOT NULL,
  overideduenotices tinyint(1) NOT NULL,
  separateinvoices tinyint(1) NOT NULL,
  disableautocc tinyint(1) NOT NULL,
  datecreated date NOT NULL,
  notes text NOT NULL,
  billingcid int(10) NOT NULL,
  securityqid int(10) NOT NULL,
  securityqans text NOT NULL,
  groupid int(10) NOT NULL,
  cardtype varchar(255) NOT NULL DEFAULT '',
  cardlastfour text NOT NULL,
  cardnum blob NOT NULL,
  startdate blob NOT NULL,
  expdate blob NOT NULL,
  issuenumber blob NOT NULL,
  bankname text NOT NULL,
  banktype text NOT NULL,
  bankcode blob NOT NULL,
  bankacct blob NOT NULL,
  gatewayid text NOT NULL,
  lastlogin datetime NULL DEFAULT NULL,
  ip text NOT NULL,
  host text NOT NULL,
  status enum('Active','Inactive','Closed') NOT NULL DEFAULT 'Active',
  language text NOT NULL,
  pwresetkey text NOT NULL,
  emailoptout int(10) NOT NULL,
  marketing_emails_opt_in tinyint(1) unsigned NOT NULL DEFAULT 0,
  overrideautoclose int(10) NOT NULL,
  allow_sso tinyint(1) NOT NULL DEFAULT 1,
  email_verified tinyint(1) NOT NULL DEFAULT 0,
  email_preferences text NULL,
  created_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  updated_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  pwresetexpiry timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  PRIMARY KEY (id),
  KEY email (email(64))
) ENGINE=InnoDB;

CREATE TABLE tblusers (
  id int(10) unsigned NOT NULL AUTO_INCREMENT,
  first_name varchar(255) NOT NULL DEFAULT '',
  last_name varchar(255) NOT NULL DEFAULT '',
  email varchar(255) NOT NULL DEFAULT '',
  password varchar(255) NOT NULL DEFAULT '',
  language varchar(32) NOT NULL DEFAULT '',
  second_factor varchar(255) NOT NULL DEFAULT '',
  second_factor_config text NULL,
  remember_token varchar(100) NOT NULL DEFAULT '',
  reset_token varchar(100) NOT NULL DEFAULT '',
  security_question_id int(10) unsigned NOT NULL DEFAULT 0,
  security_question_answer varchar(255) NOT NULL DEFAULT '',
  last_ip varchar(64) NOT NULL DEFAULT '',
  last_hostname varchar(255) NOT NULL DEFAULT '',
  last_login datetime NULL DEFAULT NULL,
  email_verification_token varchar(100) NOT NULL DEFAULT '',
  email_verification_token_expiry datetime NULL DEFAULT NULL,
  email_verified_at datetime NULL DEFAULT NULL,
  reset_token_expiry datetime NULL DEFAULT NULL,
  created_at timestamp NULL DEFAULT NULL,
  updated_at timestamp NULL DEFAULT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY email (email)
) ENGINE=InnoDB;

CREATE TABLE tblusers_clients (
  id int(10) unsigned NOT NULL AUTO_INCREMENT,
  auth_user_id int(10) unsigned NOT NULL DEFAULT 0,
  client_id int(10) unsigned NOT NULL DEFAULT 0,
  invite_id int(10) unsigned NOT NULL DEFAULT 0,
  owner tinyint(1) unsigned NOT NULL DEFAULT 0,
  permissions text NULL,
  last_login datetime NULL DEFAULT NULL,
  created_at timestamp NULL DEFAULT NULL,
  updated_at timestamp NULL DEFAULT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY user_client (auth_user_id, client_id)
) ENGINE=InnoDB;

CREATE TABLE tbluser_invites (
  id int(10) unsigned NOT NULL AUTO_INCREMENT,
  token varchar(100) NOT NULL DEFAULT '',
  email varchar(255) NOT NULL DEFAULT '',
  client_id int(10) unsigned NOT NULL DEFAULT 0,
  invited_by int(10) unsigned NOT NULL DEFAULT 0,
  invited_by_admin tinyint(1) unsigned NOT NULL DEFAULT 0,
  permissions text NULL,
  accepted_at datetime NULL DEFAULT NULL,
  created_at timestamp NULL DEFAULT NULL,
  updated_at timestamp NULL DEFAULT NULL,
  deleted_at timestamp NULL DEFAULT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB;

CREATE TABLE tblcontacts (
  id int(10) NOT NULL AUTO_INCREMENT,
  userid int(10) NOT NULL,
  firstname text NOT NULL,
  lastname text NOT NULL,
  companyname text NOT NULL,
  email text NOT NULL,
  address1 text NOT NULL,
  address2 text NOT NULL,
  city text NOT NULL,
  state text NOT NULL,
  postcode text NOT NULL,
  country text NOT NULL,
  phonenumber text NOT NULL,
  tax_id varchar(128) NOT NULL DEFAULT '',
  subaccount int(10) NOT NULL,
  password text NOT NULL,
  permissions text NOT NULL,
  domainemails int(10) NOT NULL,
  generalemails int(10) NOT NULL,
  invoiceemails int(10) NOT NULL,
  productemails int(10) NOT NULL,
  supportemails int(10) NOT NULL,
  affiliateemails int(10) NOT NULL,
  pwresetkey text NOT NULL,
  created_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  updated_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  pwresetexpiry timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  PRIMARY KEY (id),
  KEY userid (userid)
) ENGINE=InnoDB;

CREATE TABLE tblclientgroups (
  id int(10) NOT NULL AUTO_INCREMENT,
  groupname varchar(45) NOT NULL,
  groupcolour varchar(45) NULL DEFAULT NULL,
  discountpercent decimal(10,2) unsigned NULL DEFAULT 0.00,
  susptermexempt text NULL,
  separateinvoices text NOT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB;

CREATE TABLE tblauthn_account_links (
  id int(10) unsigned NOT NULL AUTO_INCREMENT,
  provider varchar(32) NOT NULL,
  remote_user_id varchar(255) NULL DEFAULT NULL,
  user_id int(10) unsigned NULL DEFAULT NULL,
  client_id int(10) unsigned NULL DEFAULT NULL,
  contact_id int(10) unsigned NULL DEFAULT NULL,
  metadata text NULL,
  created_at timestamp NULL DEFAULT NULL,
  updated_at timestamp NULL DEFAULT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY provider_user (provider, remote_user_id)
) ENGINE=InnoDB;

-- Catalogue

CREATE TABLE tblproductgroups (
  id int(10) NOT NULL AUTO_INCREMENT,
  name text NOT NULL,
  slug varchar(128) NOT NULL DEFAULT '',
  headline text NULL,
  tagline text NULL,
  orderfrmtpl text NOT NULL,
  disabledgateways text NOT NULL,
  hidden tinyint(1) NOT NULL,
  `order` int(10) NOT NULL DEFAULT 0,
  created_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  updated_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  PRIMARY KEY (id)
) ENGINE=InnoDB;

CREATE TABLE tblproducts (
  id int(10) NOT NULL AUTO_INCREMENT,
  type text NOT NULL,
  gid int(10) NOT NULL,
  name text NOT NULL,
  slug varchar(128) NOT NULL DEFAULT '',
  description text NOT NULL,
  hidden tinyint(1) NOT NULL,
  showdomainoptions tinyint(1) NOT NULL,
  welcomeemail int(10) NOT NULL DEFAULT 0,
  stockcontrol tinyint(1) NOT NULL,
  qty int(10) NOT NULL DEFAULT 0,
  proratabilling tinyint(1) NOT NULL,
  proratadate int(10) NOT NULL,
  proratachargenextmonth int(10) NOT NULL,
  paytype text NOT NULL,
  allowqty int(10) NOT NULL,
  subdomain text NOT NULL,
  autosetup text NOT NULL,
  servertype text NOT NULL,
  servergroup int(10) NOT NULL,
  configoption1 text NOT NULL,
  configoption2 text NOT NULL,
  configoption3 text NOT NULL,
  configoption4 text NOT NULL,
  configoption5 text NOT NULL,
  configoption6 text NOT NULL,
  configoption7 text NOT NULL,
  configoption8 text NOT NULL,
  configoption9 text NOT NULL,
  configoption10 text NOT NULL,
  configoption11 text NOT NULL,
  configoption12 text NOT NULL,
  configoption13 text NOT NULL,
  configoption14 text NOT NULL,
  configoption15 text NOT NULL,
  configoption16 text NOT NULL,
  configoption17 text NOT NULL,
  configoption18 text NOT NULL,
  configoption19 text NOT NULL,
  configoption20 text NOT NULL,
  configoption21 text NOT NULL,
  configoption22 text NOT NULL,
  configoption23 text NOT NULL,
  configoption24 text NOT NULL,
  freedomain text NOT NULL,
  freedomainpaymentterms text NOT NULL,
  freedomaintlds text NOT NULL,
  recurringcycles int(10) NOT NULL,
  autoterminatedays int(10) NOT NULL,
  autoterminateemail int(10) NOT NULL DEFAULT 0,
  configoptionsupgrade tinyint(1) NOT NULL,
  billingcycleupgrade text NOT NULL,
  upgradeemail int(10) NOT NULL DEFAULT 0,
  overagesenabled varchar(10) NOT NULL DEFAULT '',
  overagesdisklimit int(10) NOT NULL,
  overagesbwlimit int(10) NOT NULL,
  overagesdiskprice decimal(6,4) NOT NULL DEFAULT 0.0000,
  overagesbwprice decimal(6,4) NOT NULL DEFAULT 0.0000,
  tax tinyint(1) NOT NULL,
  affiliateonetime tinyint(1) NOT NULL,
  affiliatepaytype text NOT NULL,
  affiliatepayamount decimal(16,2) NOT NULL,
  `order` int(10) NOT NULL DEFAULT 0,
  retired tinyint(1) NOT NULL DEFAULT 0,
  is_featured tinyint(1) NOT NULL DEFAULT 0,
  created_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  updated_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  PRIMARY KEY (id),
  KEY gid (gid)
) ENGINE=InnoDB;

CREATE TABLE tblproductconfiggroups (
  id int(10) NOT NULL AUTO_INCREMENT,
  name text NOT NULL,
  description text NOT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB;

CREATE TABLE tblproductconfiglinks (
  id int(10) NOT NULL AUTO_INCREMENT,
  gid int(10) NOT NULL,
  pid int(10) NOT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB;

CREATE TABLE tblproductconfigoptions (
  id int(10) NOT NULL AUTO_INCREMENT,
  gid int(10) NOT NULL DEFAULT 0,
  optionname text NOT NULL,
  optiontype text NOT NULL,
  qtyminimum int(10) NOT NULL,
  qtymaximum int(10) NOT NULL,
  `order` int(10) NOT NULL DEFAULT 0,
  hidden int(10) NOT NULL,
  PRIMARY KEY (id),
  KEY gid (gid)
) ENGINE=InnoDB;

CREATE TABLE tblproductconfigoptionssub (
  id int(10) NOT NULL AUTO_INCREMENT,
  configid int(10) NOT NULL,
  optionname text NOT NULL,
  sortorder int(10) NOT NULL DEFAULT 0,
  hidden int(10) NOT NULL,
  PRIMARY KEY (id),
  KEY configid (configid)
) ENGINE=InnoDB;

CREATE TABLE tblcustomfields (
  id int(10) NOT NULL AUTO_INCREMENT,
  type text NOT NULL,
  relid int(10) NOT NULL DEFAULT 0,
  fieldname text NOT NULL,
  fieldtype text NOT NULL,
  description text NOT NULL,
  fieldoptions text NOT NULL,
  regexpr text NOT NULL,
  adminonly text NOT NULL,
  required text NOT NULL,
  showorder text NOT NULL,
  showinvoice text NOT NULL,
  sortorder int(10) NOT NULL DEFAULT 0,
  created_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  updated_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  PRIMARY KEY (id),
  KEY relid (relid)
) ENGINE=InnoDB;

CREATE TABLE tblpricing (
  id int(10) NOT NULL AUTO_INCREMENT,
  type enum('product','addon','configoptions','domainregister','domaintransfer','domainrenew','domainaddons') NOT NULL DEFAULT 'product',
  currency int(10) NOT NULL,
  relid int(10) NOT NULL,
  msetupfee decimal(16,2) NOT NULL,
  qsetupfee decimal(16,2) NOT NULL,
  ssetupfee decimal(16,2) NOT NULL,
  asetupfee decimal(16,2) NOT NULL,
  bsetupfee decimal(16,2) NOT NULL,
  tsetupfee decimal(16,2) NOT NULL,
  monthly decimal(16,2) NOT NULL,
  quarterly decimal(16,2) NOT NULL,
  semiannually decimal(16,2) NOT NULL,
  annually decimal(16,2) NOT NULL,
  biennially decimal(16,2) NOT NULL,
  triennially decimal(16,2) NOT NULL,
  PRIMARY KEY (id),
  KEY relid (relid)
) ENGINE=InnoDB;

CREATE TABLE tblcurrencies (
  id int(10) NOT NULL AUTO_INCREMENT,
  code text NOT NULL,
  prefix text NOT NULL,
  suffix text NOT NULL,
  format int(10) NOT NULL,
  rate decimal(10,5) NOT NULL DEFAULT 1.00000,
  `default` int(10) NOT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB;

CREATE TABLE tblservers (
  id int(10) NOT NULL AUTO_INCREMENT,
  name text NOT NULL,
  ipaddress text NOT NULL,
  assignedips text NOT NULL,
  hostname text NOT NULL,
  monthlycost decimal(16,2) NOT NULL DEFAULT 0.00,
  noc text NOT NULL,
  statusaddress text NOT NULL,
  nameserver1 text NOT NULL,
  nameserver1ip text NOT NULL,
  nameserver2 text NOT NULL,
  nameserver2ip text NOT NULL,
  nameserver3 text NOT NULL,
  nameserver3ip text NOT NULL,
  nameserver4 text NOT NULL,
  nameserver4ip text NOT NULL,
  nameserver5 text NOT NULL,
  nameserver5ip text NOT NULL,
  maxaccounts int(10) NOT NULL DEFAULT 0,
  type text NOT NULL,
  username text NOT NULL,
  password text NOT NULL,
  accesshash text NOT NULL,
  secure text NOT NULL,
  port int(8) NULL DEFAULT NULL,
  active int(10) NOT NULL,
  disabled int(10) NOT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB;

CREATE TABLE tblservergroups (
  id int(10) NOT NULL AUTO_INCREMENT,
  name text NOT NULL,
  filltype int(10) NOT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB;

CREATE TABLE tblservergroupsrel (
  groupid int(10) NOT NULL,
  serverid int(10) NOT NULL
) ENGINE=InnoDB;

CREATE TABLE tbladdons (
  id int(10) NOT NULL AUTO_INCREMENT,
  packages text NOT NULL,
  name text NOT NULL,
  description text NOT NULL,
  billingcycle text NOT NULL,
  allowqty tinyint(1) NOT NULL DEFAULT 0,
  tax tinyint(1) NOT NULL,
  showorder tinyint(1) NOT NULL,
  hidden tinyint(1) NOT NULL,
  retired tinyint(1) NOT NULL,
  downloads text NOT NULL,
  autoactivate text NOT NULL,
  suspendproduct text NOT NULL,
  welcomeemail int(10) NOT NULL,
  type varchar(16) NOT NULL DEFAULT '',
  module varchar(32) NOT NULL DEFAULT '',
  server_group_id int(10) NOT NULL DEFAULT 0,
  prorate tinyint(1) NOT NULL DEFAULT 0,
  weight int(10) NOT NULL DEFAULT 0,
  autolinkby text NOT NULL,
  created_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  updated_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  PRIMARY KEY (id)
) ENGINE=InnoDB;

CREATE TABLE tblmodule_configuration (
  id int(10) unsigned NOT NULL AUTO_INCREMENT,
  entity_type varchar(8) NOT NULL DEFAULT '',
  entity_id int(10) unsigned NOT NULL DEFAULT 0,
  setting_name varchar(16) NOT NULL DEFAULT '',
  friendly_name varchar(64) NOT NULL DEFAULT '',
  value text NOT NULL,
  created_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  updated_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  PRIMARY KEY (id)
) ENGINE=InnoDB;

CREATE TABLE tbldynamic_translations (
  id int(10) unsigned NOT NULL AUTO_INCREMENT,
  related_type varchar(36) NOT NULL,
  related_id int(10) unsigned NOT NULL DEFAULT 0,
  language varchar(16) NOT NULL DEFAULT '',
  translation text NOT NULL,
  input_type varchar(16) NOT NULL DEFAULT '',
  created_at timestamp NULL DEFAULT NULL,
  updated_at timestamp NULL DEFAULT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB;

-- Services and money

CREATE TABLE tblhosting (
  id int(10) NOT NULL AUTO_INCREMENT,
  userid int(10) NOT NULL,
  orderid int(10) NOT NULL,
  packageid int(10) NOT NULL,
  server int(10) NOT NULL,
  regdate date NOT NULL,
  domain text NOT NULL,
  paymentmethod text NOT NULL,
  qty int(10) unsigned NOT NULL DEFAULT 1,
  firstpaymentamount decimal(16,2) NOT NULL DEFAULT 0.00,
  amount decimal(16,2) NOT NULL DEFAULT 0.00,
  billingcycle text NOT NULL,
  nextduedate date NULL DEFAULT NULL,
  nextinvoicedate date NOT NULL,
  termination_date date NOT NULL DEFAULT '0000-00-00',
  completed_date date NOT NULL DEFAULT '0000-00-00',
  domainstatus enum('Pending','Active','Suspended','Terminated','Cancelled','Fraud','Completed') NOT NULL DEFAULT 'Pending',
  username text NOT NULL,
  password text NOT NULL,
  notes text NOT NULL,
  subscriptionid text NOT NULL,
  promoid int(10) NOT NULL,
  promocount int(10) NULL DEFAULT 0,
  suspendreason text NOT NULL,
  overideautosuspend tinyint(1) NOT NULL,
  overidesuspenduntil date NOT NULL,
  dedicatedip text NOT NULL,
  assignedips text NOT NULL,
  ns1 text NOT NULL,
  ns2 text NOT NULL,
  diskusage int(10) NOT NULL DEFAULT 0,
  disklimit int(10) NOT NULL DEFAULT 0,
  bwusage int(10) NOT NULL DEFAULT 0,
  bwlimit int(10) NOT NULL DEFAULT 0,
  lastupdate timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  created_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  updated_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  PRIMARY KEY (id),
  KEY userid (userid),
  KEY orderid (orderid),
  KEY packageid (packageid)
) ENGINE=InnoDB;

CREATE TABLE tblhostingconfigoptions (
  id int(10) NOT NULL AUTO_INCREMENT,
  relid int(10) NOT NULL,
  configid int(10) NOT NULL,
  optionid int(10) NOT NULL,
  qty int(10) NOT NULL,
  PRIMARY KEY (id),
  KEY relid_configid (relid, configid)
) ENGINE=InnoDB;

CREATE TABLE tblcustomfieldsvalues (
  id int(10) NOT NULL AUTO_INCREMENT,
  fieldid int(10) NOT NULL,
  relid int(10) NOT NULL,
  value text NOT NULL,
  created_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  updated_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  PRIMARY KEY (id),
  KEY fieldid_relid (fieldid, relid),
  KEY relid (relid)
) ENGINE=InnoDB;

CREATE TABLE tblhostingaddons (
  id int(10) NOT NULL AUTO_INCREMENT,
  orderid int(10) NOT NULL,
  hostingid int(10) NOT NULL,
  addonid int(10) NOT NULL,
  userid int(10) NOT NULL DEFAULT 0,
  server int(10) NOT NULL DEFAULT 0,
  name text NOT NULL,
  qty int(10) unsigned NOT NULL DEFAULT 1,
  firstpaymentamount decimal(16,2) NOT NULL DEFAULT 0.00,
  setupfee decimal(16,2) NOT NULL DEFAULT 0.00,
  recurring decimal(16,2) NOT NULL DEFAULT 0.00,
  billingcycle text NOT NULL,
  tax text NOT NULL,
  status enum('Pending','Active','Suspended','Terminated','Cancelled','Fraud','Completed') NOT NULL DEFAULT 'Pending',
  regdate date NOT NULL DEFAULT '0000-00-00',
  nextduedate date NULL DEFAULT NULL,
  nextinvoicedate date NOT NULL,
  termination_date date NOT NULL DEFAULT '0000-00-00',
  proratadate date NOT NULL DEFAULT '0000-00-00',
  paymentmethod text NOT NULL,
  notes text NOT NULL,
  subscriptionid varchar(128) NOT NULL DEFAULT '',
  created_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  updated_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  PRIMARY KEY (id),
  KEY hostingid (hostingid)
) ENGINE=InnoDB;

CREATE TABLE tblorders (
  id int(10) NOT NULL AUTO_INCREMENT,
  ordernum bigint(10) NOT NULL,
  userid int(10) NOT NULL,
  contactid int(10) NOT NULL,
  requestor_id int(10) unsigned NOT NULL DEFAULT 0,
  admin_requestor_id int(10) unsigned NOT NULL DEFAULT 0,
  date datetime NOT NULL,
  nameservers text NOT NULL,
  transfersecret text NOT NULL,
  renewals text NOT NULL,
  promocode text NOT NULL,
  promotype text NOT NULL,
  promovalue text NOT NULL,
  orderdata text NOT NULL,
  amount decimal(16,2) NOT NULL,
  paymentmethod text NOT NULL,
  invoiceid int(10) NOT NULL DEFAULT 0,
  status text NOT NULL,
  ipaddress text NOT NULL,
  fraudmodule text NOT NULL,
  fraudoutput text NOT NULL,
  notes text NOT NULL,
  PRIMARY KEY (id),
  KEY userid (userid)
) ENGINE=InnoDB;

CREATE TABLE tblorderstatuses (
  id int(10) NOT NULL AUTO_INCREMENT,
  title text NOT NULL,
  color text NOT NULL,
  showpending int(10) NOT NULL,
  showactive int(10) NOT NULL,
  showcancelled int(10) NOT NULL,
  sortorder int(10) NOT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB;

CREATE TABLE tblinvoices (
  id int(10) NOT NULL AUTO_INCREMENT,
  userid int(10) NOT NULL,
  invoicenum text NOT NULL,
  date date NULL DEFAULT NULL,
  duedate date NULL DEFAULT NULL,
  datepaid datetime NOT NULL DEFAULT '0000-00-00 00:00:00',
  last_capture_attempt datetime NOT NULL DEFAULT '0000-00-00 00:00:00',
  date_refunded datetime NOT NULL DEFAULT '0000-00-00 00:00:00',
  date_cancelled datetime NOT NULL DEFAULT '0000-00-00 00:00:00',
  subtotal decimal(16,2) NOT NULL,
  credit decimal(16,2) NOT NULL,
  tax decimal(16,2) NOT NULL,
  tax2 decimal(16,2) NOT NULL,
  total decimal(16,2) NOT NULL,
  taxrate decimal(10,3) NOT NULL,
  taxrate2 decimal(10,3) NOT NULL,
  status text NOT NULL,
  paymentmethod text NOT NULL,
  paymethodid int(10) unsigned NULL DEFAULT NULL,
  notes text NOT NULL,
  created_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  updated_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  PRIMARY KEY (id),
  KEY userid (userid)
) ENGINE=InnoDB;

CREATE TABLE tblinvoiceitems (
  id int(10) NOT NULL AUTO_INCREMENT,
  invoiceid int(10) NOT NULL,
  userid int(10) NOT NULL,
  type varchar(30) NOT NULL,
  relid int(10) NOT NULL,
  description text NOT NULL,
  amount decimal(16,2) NOT NULL,
  taxed int(10) NOT NULL,
  duedate date NULL DEFAULT NULL,
  paymentmethod text NOT NULL,
  notes text NOT NULL,
  PRIMARY KEY (id),
  KEY invoiceid (invoiceid)
) ENGINE=InnoDB;

CREATE TABLE tblcancelrequests (
  id int(10) NOT NULL AUTO_INCREMENT,
  date datetime NOT NULL,
  relid int(10) NOT NULL,
  reason text NOT NULL,
  type text NOT NULL,
  created_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  updated_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  PRIMARY KEY (id)
) ENGINE=InnoDB;

CREATE TABLE tblupgrades (
  id int(10) NOT NULL AUTO_INCREMENT,
  userid int(10) NOT NULL,
  orderid int(10) NOT NULL,
  type enum('package','configoptions') NOT NULL DEFAULT 'package',
  date date NOT NULL,
  relid int(10) NOT NULL,
  originalvalue text NOT NULL,
  newvalue text NOT NULL,
  new_cycle varchar(30) NOT NULL DEFAULT '',
  amount decimal(16,2) NOT NULL DEFAULT 0.00,
  credit_amount decimal(16,2) NOT NULL DEFAULT 0.00,
  days_remaining int(10) NOT NULL DEFAULT 0,
  total_days_in_cycle int(10) NOT NULL DEFAULT 0,
  new_recurring_amount decimal(16,2) NOT NULL DEFAULT 0.00,
  recurringchange decimal(16,2) NOT NULL DEFAULT 0.00,
  status enum('Pending','Completed') NOT NULL DEFAULT 'Pending',
  paid enum('Y','N') NOT NULL DEFAULT 'N',
  PRIMARY KEY (id)
) ENGINE=InnoDB;

CREATE TABLE tblmodulequeue (
  id int(10) unsigned NOT NULL AUTO_INCREMENT,
  service_type varchar(20) NOT NULL DEFAULT '',
  service_id int(10) unsigned NOT NULL DEFAULT 0,
  module_name varchar(64) NOT NULL DEFAULT '',
  module_action varchar(64) NOT NULL DEFAULT '',
  last_attempt datetime NULL DEFAULT NULL,
  last_attempt_error text NOT NULL,
  num_retries smallint(5) unsigned NOT NULL DEFAULT 0,
  completed tinyint(1) NOT NULL DEFAULT 0,
  created_at timestamp NULL DEFAULT NULL,
  updated_at timestamp NULL DEFAULT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB;

CREATE TABLE tblconfiguration (
  id int(10) NOT NULL AUTO_INCREMENT,
  setting varchar(64) NOT NULL,
  value text NOT NULL,
  created_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  updated_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  PRIMARY KEY (id),
  UNIQUE KEY setting (setting)
) ENGINE=InnoDB;

-- The Proxmox VE for WHMCS module (The-Network-Crew/Proxmox-VE-for-WHMCS)

CREATE TABLE mod_pvewhmcs (
  id int(10) unsigned NOT NULL AUTO_INCREMENT,
  config varchar(255) NULL DEFAULT NULL,
  vnc_secret varchar(255) NULL DEFAULT NULL,
  start_vmid int(10) unsigned NULL DEFAULT 100,
  debug_mode tinyint(1) unsigned NULL DEFAULT 0,
  PRIMARY KEY (id)
) ENGINE=InnoDB;

CREATE TABLE mod_pvewhmcs_vms (
  id int(10) unsigned NOT NULL,
  vmid int(10) unsigned NULL DEFAULT NULL,
  node_id int(10) unsigned NULL DEFAULT NULL,
  user_id int(10) unsigned NOT NULL,
  vtype varchar(255) NOT NULL,
  ipaddress varchar(255) NOT NULL,
  subnetmask varchar(255) NOT NULL,
  gateway varchar(255) NOT NULL,
  created datetime NULL DEFAULT NULL,
  v6prefix varchar(128) NULL DEFAULT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB;

CREATE TABLE mod_pvewhmcs_plans (
  id int(10) unsigned NOT NULL AUTO_INCREMENT,
  title varchar(255) NOT NULL,
  vmtype varchar(8) NOT NULL,
  ostype varchar(8) NULL DEFAULT NULL,
  cpus tinyint(3) unsigned NULL DEFAULT NULL,
  cpuemu varchar(30) NULL DEFAULT NULL,
  cores tinyint(3) unsigned NULL DEFAULT NULL,
  cpulimit smallint(5) unsigned NULL DEFAULT NULL,
  cpuunits smallint(5) unsigned NULL DEFAULT NULL,
  memory smallint(8) unsigned NOT NULL,
  swap smallint(5) unsigned NULL DEFAULT NULL,
  disk smallint(5) unsigned NULL DEFAULT NULL,
  diskformat varchar(10) NULL DEFAULT NULL,
  diskcache varchar(20) NULL DEFAULT NULL,
  disktype varchar(20) NULL DEFAULT NULL,
  storage varchar(20) NULL DEFAULT 'local',
  diskio varchar(20) NULL DEFAULT '0',
  netmode varchar(10) NULL DEFAULT NULL,
  bridge varchar(20) NOT NULL DEFAULT 'vmbr',
  vmbr tinyint(1) unsigned NULL DEFAULT NULL,
  netmodel varchar(10) NULL DEFAULT NULL,
  netrate varchar(5) NULL DEFAULT '0',
  firewall tinyint(1) unsigned NOT NULL DEFAULT 0,
  bw int(6) unsigned NULL DEFAULT 0,
  kvm tinyint(1) unsigned NULL DEFAULT 0,
  onboot tinyint(1) unsigned NULL DEFAULT 0,
  vlanid varchar(10) NULL DEFAULT NULL,
  ipv6 varchar(10) NULL DEFAULT 'auto',
  balloon varchar(10) NULL DEFAULT '0',
  unpriv int(1) unsigned NULL DEFAULT 0,
  `ssh-keys` varchar(100) NULL DEFAULT '',
  PRIMARY KEY (id)
) ENGINE=InnoDB;

CREATE TABLE mod_pvewhmcs_ip_pools (
  id int(10) NOT NULL AUTO_INCREMENT,
  title varchar(255) NOT NULL,
  gateway varchar(100) NULL DEFAULT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB;

CREATE TABLE mod_pvewhmcs_ip_addresses (
  id int(10) NOT NULL AUTO_INCREMENT,
  pool_id int(10) NOT NULL DEFAULT 0,
  ipaddress varchar(255) NOT NULL DEFAULT '0',
  mask varchar(255) NOT NULL DEFAULT '0',
  PRIMARY KEY (id),
  UNIQUE KEY ipaddress (ipaddress)
) ENGINE=InnoDB;

CREATE TABLE mod_pvewhmcs_nodes (
  id int(10) NOT NULL AUTO_INCREMENT,
  pve_id int(10) NOT NULL,
  pve_name varchar(255) NOT NULL,
  whmcs_id int(10) NOT NULL,
  title varchar(255) NOT NULL,
  ip varchar(100) NOT NULL,
  status varchar(20) NOT NULL DEFAULT 'active',
  max_guests int(5) NOT NULL DEFAULT 20,
  created datetime NOT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB;

CREATE TABLE mod_pvewhmcs_templates (
  id int(10) NOT NULL AUTO_INCREMENT,
  tpl_id int(10) NULL DEFAULT NULL,
  title varchar(255) NOT NULL,
  guest varchar(8) NOT NULL DEFAULT 'vm',
  ostype varchar(8) NULL DEFAULT NULL,
  storage varchar(20) NULL DEFAULT 'local',
  template varchar(255) NULL DEFAULT NULL,
  nodes int(10) NULL DEFAULT 0,
  PRIMARY KEY (id)
) ENGINE=InnoDB;

CREATE TABLE mod_pvewhmcs_iso (
  id int(10) NOT NULL AUTO_INCREMENT,
  title varchar(255) NOT NULL,
  storage varchar(20) NOT NULL DEFAULT 'local',
  iso_name varchar(255) NOT NULL,
  nodes int(10) NULL DEFAULT 0,
  created datetime NOT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB;

CREATE TABLE mod_pvewhmcs_ssh_keys (
  id int(10) NOT NULL AUTO_INCREMENT,
  title varchar(255) NOT NULL DEFAULT '',
  ssh_key text NOT NULL,
  created datetime NOT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB;

CREATE TABLE mod_pvewhmcs_logs (
  id int(10) NOT NULL AUTO_INCREMENT,
  auth_id int(10) NOT NULL DEFAULT 0,
  user_id int(10) NOT NULL DEFAULT 0,
  service int(10) NOT NULL DEFAULT 0,
  timestamp datetime NOT NULL,
  node_id int(10) NOT NULL DEFAULT 0,
  target_id int(10) NOT NULL DEFAULT 0,
  level varchar(10) NOT NULL,
  type text NOT NULL,
  action text NOT NULL,
  request text NOT NULL,
  response text NOT NULL,
  raw text NOT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB;
