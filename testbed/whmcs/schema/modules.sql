-- Tables of other modules, written from what public code that reads them tells of their columns
-- (EZSCALE/virtfusion-whmcs-module, solusio/solusiovps, embire2/WHMCS-Proxmox-Manager, akumalabs/midgard-whmcs-module,
-- migration scripts for the Proxmox modules of ModulesGarden).

CREATE TABLE ProxmoxAddon_User (
  id int(10) unsigned NOT NULL AUTO_INCREMENT,
  user_id int(10) NOT NULL,
  hosting_id int(10) NOT NULL,
  username varchar(255) NOT NULL DEFAULT '',
  password text NOT NULL,
  realm varchar(32) NOT NULL DEFAULT '',
  PRIMARY KEY (id)
) ENGINE=InnoDB;

CREATE TABLE ProxmoxAddon_VmIpAddress (
  id int(10) unsigned NOT NULL AUTO_INCREMENT,
  hosting_id int(10) NOT NULL,
  server_id int(10) NOT NULL,
  ip varchar(64) NOT NULL,
  mac_address varchar(32) NOT NULL DEFAULT '',
  subnet_mask varchar(64) NOT NULL DEFAULT '',
  gateway varchar(64) NOT NULL DEFAULT '',
  cidr int(3) NULL DEFAULT NULL,
  trunks varchar(255) NULL DEFAULT NULL,
  tag int(5) NULL DEFAULT NULL,
  net varchar(16) NULL DEFAULT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB;

CREATE TABLE mg_proxmox_addon_ip (
  id int(10) unsigned NOT NULL AUTO_INCREMENT,
  ip varchar(64) NOT NULL,
  type varchar(8) NOT NULL DEFAULT 'IPv4',
  mac_address varchar(32) NULL DEFAULT NULL,
  subnet_mask varchar(64) NULL DEFAULT NULL,
  gateway varchar(64) NULL DEFAULT NULL,
  cidr int(3) NULL DEFAULT NULL,
  sid int(10) NOT NULL DEFAULT 0,
  visualization varchar(32) NULL DEFAULT NULL,
  last_check datetime NULL DEFAULT NULL,
  private tinyint(1) NOT NULL DEFAULT 0,
  hosting_id int(10) NOT NULL DEFAULT 0,
  trunks varchar(255) NULL DEFAULT NULL,
  tag int(5) NULL DEFAULT NULL,
  node varchar(64) NULL DEFAULT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB;

CREATE TABLE ProxmoxAddon_ProductConfiguration (
  id int(10) unsigned NOT NULL AUTO_INCREMENT,
  product_id int(10) NOT NULL,
  setting varchar(64) NOT NULL,
  value text NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB;

CREATE TABLE ProxmoxVeVpsCloud_ProductConfiguration (
  id int(10) unsigned NOT NULL AUTO_INCREMENT,
  product_id int(10) NOT NULL,
  type varchar(16) NOT NULL DEFAULT 'product',
  setting varchar(64) NOT NULL,
  value text NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB;

CREATE TABLE mod_proxmoxvm (
  id int(10) unsigned NOT NULL AUTO_INCREMENT,
  service_id int(10) NOT NULL,
  vmid int(10) NULL DEFAULT NULL,
  node varchar(64) NOT NULL DEFAULT '',
  password text NULL,
  created_at timestamp NULL DEFAULT NULL,
  updated_at timestamp NULL DEFAULT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY service_id (service_id)
) ENGINE=InnoDB;

CREATE TABLE mod_virtfusion_direct (
  service_id int(10) unsigned NOT NULL,
  server_id int(10) unsigned NULL DEFAULT NULL,
  server_object longtext NULL,
  created_at timestamp NULL DEFAULT NULL,
  updated_at timestamp NULL DEFAULT NULL,
  PRIMARY KEY (service_id)
) ENGINE=InnoDB;

CREATE TABLE solusiovps_servers (
  id int(10) unsigned NOT NULL AUTO_INCREMENT,
  service_id int(10) unsigned NOT NULL,
  server_id int(10) unsigned NOT NULL,
  payload longtext NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB;

CREATE TABLE mod_midgard_service_meta (
  service_id int(10) unsigned NOT NULL,
  midgard_server_id int(10) unsigned NULL DEFAULT NULL,
  midgard_server_uuid varchar(64) NULL DEFAULT NULL,
  midgard_provision_state varchar(32) NULL DEFAULT NULL,
  addresses longtext NULL,
  primary_ipv4 varchar(64) NULL DEFAULT NULL,
  primary_ipv6 varchar(64) NULL DEFAULT NULL,
  PRIMARY KEY (service_id)
) ENGINE=InnoDB;
